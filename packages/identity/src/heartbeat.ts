import { maxHeartbeatSize, PosternError, statementType } from '@postern/protocol'
import { SignJWT } from 'jose'
import { z } from 'zod'
import type { Bulletin } from './bulletin.ts'
import type { Signatory } from './statement.ts'

const claimsSchema = z.object({ iss: z.string(), seq: z.int().min(0), iat: z.int().min(0) })

/** What an authority says again and again: which bulletin is the newest, and when it said so, in ms. */
export interface Heartbeat {
  readonly sequence: number
  readonly atMs: number
}

/** Signs that a bulletin is the newest at a time (RFC 7515). */
export async function sealHeartbeat({ atMs, sequence }: Heartbeat, by: Signatory): Promise<string> {
  return await new SignJWT({ seq: sequence })
    .setProtectedHeader({ alg: 'EdDSA', typ: statementType.heartbeat, kid: by.kid })
    .setIssuer(by.mesh)
    .setIssuedAt(Math.floor(atMs / 1000))
    .sign(by.key)
}

/** What a heartbeat claims, before anything about it is believed. Throws BAD_MESSAGE. */
export function readHeartbeat(sealed: string): Heartbeat {
  try {
    if (sealed.length > maxHeartbeatSize) throw new Error('too large')
    const { iat, seq } = claimsSchema.parse(
      JSON.parse(Buffer.from(sealed.split('.')[1] ?? '', 'base64url').toString('utf8')),
    )
    return { sequence: seq, atMs: iat * 1000 }
  } catch (cause) {
    throw new PosternError('BAD_MESSAGE', 'this is no heartbeat', { cause })
  }
}

/** Checks that the authority of the mesh has signed it. Throws CREDENTIAL_INVALID or CREDENTIAL_WRONG_MESH. */
export async function verifyHeartbeat(sealed: string, bulletin: Bulletin): Promise<Heartbeat> {
  const { payload } = await bulletin.verify(sealed, { typ: statementType.heartbeat, claims: ['iss', 'seq', 'iat'] })
  if (payload.iss !== bulletin.mesh) throw new PosternError('CREDENTIAL_WRONG_MESH', 'the heartbeat is of another mesh')
  return readHeartbeat(sealed)
}
