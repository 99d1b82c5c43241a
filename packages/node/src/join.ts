import { existsSync } from 'node:fs'
import { join as path } from 'node:path'
import {
  beginJoin,
  fileNames,
  finishJoin,
  invitedMember,
  readInvite,
  type VerifiedCredential,
  writeNewFile,
} from '@postern/identity'
import { join } from '@postern/mesh'
import { Counters, createLog } from '@postern/observe'
import { type Clock, PosternError, systemClock } from '@postern/protocol'
import { starterConfig } from './starter.ts'

export interface JoinOrder {
  /** The text of an invite. */
  readonly invite: string
  /** Folder that becomes the node's. */
  readonly folder: string
  readonly clock?: Clock
  /** Hears of each step that was taken. */
  readonly step?: (said: string) => void
}

/**
 * Joins a mesh by an invite: makes the key, asks an authority over the mesh, and writes credential, mesh file and a
 * starter config. Throws INVITE_…, FILE_EXISTS, NO_RELAY, NO_AUTHORITY, or what the authority refuses with; the same may
 * be tried again then.
 */
export async function joinMesh({ clock = systemClock, folder, invite, step }: JoinOrder): Promise<VerifiedCredential> {
  const invitation = readInvite(invite)
  checkTime(invitation.knock.untilMs, clock)
  const { key, request } = await beginJoin(folder, invitation)
  step?.(`key made, peer ${key.peerId.toString()}`)
  const admission = await join({
    member: await invitedMember(invitation, key, clock),
    authority: [invitation.authority],
    request,
    clock,
    log: createLog({ level: 'silent', node: 'joining', fd: 2 }),
    meter: new Counters(),
    linked: (relay) => step?.(`relay ${relay} linked`),
  })
  step?.('an authority has answered')
  return await acceptAdmission(folder, admission, clock)
}

/** The request of one who cannot reach the mesh yet, for a file. Throws INVITE_… or FILE_EXISTS. */
export async function joinRequest({ clock = systemClock, folder, invite }: JoinOrder): Promise<string> {
  const invitation = readInvite(invite)
  checkTime(invitation.knock.untilMs, clock)
  return (await beginJoin(folder, invitation)).request
}

/** Takes an authority's answer, over the mesh or from a file. Throws what `finishJoin` throws. */
export async function acceptAdmission(
  folder: string,
  admission: string,
  clock: Clock = systemClock,
): Promise<VerifiedCredential> {
  const credential = await finishJoin(folder, admission, clock)
  const config = path(folder, fileNames.config)
  if (!existsSync(config)) writeNewFile(config, starterConfig(credential))
  return credential
}

function checkTime(untilMs: number, clock: Clock): void {
  if (untilMs > clock.now()) return
  throw new PosternError('INVITE_EXPIRED', `the invite has expired at ${new Date(untilMs).toISOString()}`, {
    remedy: 'ask for a new one: postern mesh invite',
  })
}
