import { createHash } from 'node:crypto'
import type { DirectoryKey, MeshId } from '@postern/protocol'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'

const raw = 0x55
const sha256 = 0x12

/** A directory key, under which guards of an id provide, as the DHT knows it. */
export function guardsKey(key: DirectoryKey): CID {
  return CID.createV1(raw, create(sha256, Buffer.from(key, 'hex')))
}

/** The key under which every relay provides. */
export function relayKey(mesh: MeshId): CID {
  return CID.createV1(raw, create(sha256, createHash('sha256').update(`postern relay ${mesh}`).digest()))
}
