import { createHash } from 'node:crypto'
import type { MeshId, ServiceId } from '@postern/protocol'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'

const raw = 0x55
const sha256 = 0x12

/** The key under which guards of a service provide. */
export function serviceKey(service: ServiceId): CID {
  return CID.createV1(raw, create(sha256, Buffer.from(service, 'hex')))
}

/** The key under which every relay provides. */
export function relayKey(mesh: MeshId): CID {
  return CID.createV1(raw, create(sha256, createHash('sha256').update(`postern relay ${mesh}`).digest()))
}
