import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, type PeerName, PosternError, systemClock } from '@postern/protocol'
import { decodeJwt } from 'jose'
import { type Authority, loadAuthority } from './authority.ts'
import { type Grant, lifeOf, type VerifiedCredential, verifierOf } from './credential.ts'
import { partsOf } from './disclosure.ts'
import { type Claim, sealAdmission, verifyEnrolment, verifyReplacement } from './enrolment.ts'
import { verifyInvite } from './invite.ts'
import { issue } from './issue.ts'
import { publish } from './publish.ts'
import { registered } from './register.ts'
import { withRevoked } from './revoke.ts'
import { fileNames, readPublicFile, readSecretFile, writeSecretFile } from './store.ts'

/** What an authority granted. */
export interface Admitted {
  /** For who asked, and for nobody else to read. */
  readonly admission: string
  readonly peer: PeerName
  readonly name: string
  readonly by: 'invite' | 'renewal' | 'replacement'
}

/** The longest that a replaced key may live on. */
export const maxOverlapMs = 30 * 24 * 3600_000

/**
 * Decides on a request for a credential, by an authority's folder as it is now. Throws BAD_MESSAGE, INVITE_INVALID,
 * INVITE_EXPIRED, INVITE_USED, or CREDENTIAL_… where the credential that is shown does not count.
 */
export async function admit(folder: string, request: string, clock: Clock = systemClock): Promise<Admitted> {
  const { claim, peer, replyKey } = await verifyEnrolment(request)
  const authority = await loadAuthority(folder, clock)
  const by = 'invite' in claim ? 'invite' : 'replacement' in claim ? 'replacement' : 'renewal'
  const grant = await grantOf(authority, peer, claim)
  const credential = await issue(authority, peer, grant)
  const membership = {
    credential,
    mesh: authority.mesh,
    secret: readSecretFile(join(folder, fileNames.secret)).trim(),
    // What was granted may have made a new one.
    bulletin: (await loadAuthority(folder, clock)).bulletin.sealed,
  }
  return { admission: await sealAdmission(membership, replyKey, authority.signatory), peer, name: grant.name, by }
}

async function grantOf(authority: Authority, peer: PeerName, claim: Claim): Promise<Grant> {
  if ('invite' in claim) return await redeem(authority, peer, claim.invite)
  const { bulletin } = authority
  const shown = peerIn(claim.credential)
  const credential = await verifierOf(bulletin).credential(claim.credential, shown)
  if ('replacement' in claim) await replace(authority, { old: shown, peer, ...claim })
  else if (shown !== peer)
    throw new PosternError('CREDENTIAL_WRONG_PEER', 'a credential is renewed for its own peer alone')
  return grantIn(credential)
}

/** An invite is good once, but for its first user again: an answer may have been lost. */
async function redeem({ bulletin, folder, ...rest }: Authority, peer: PeerName, sealed: string): Promise<Grant> {
  const { grant, id } = await verifyInvite({ bulletin, folder, ...rest }, sealed)
  if (bulletin.notice.revoked.some(({ subject }) => subject === id))
    throw new PosternError('INVITE_INVALID', 'the authority has taken the invite back')
  const file = join(folder, fileNames.invites, id)
  try {
    writeSecretFile(file, `${peer}\n`)
  } catch (cause) {
    if (!existsSync(file)) throw cause
    if (readPublicFile(file).trim() !== peer)
      throw new PosternError('INVITE_USED', 'the invite has been used', {
        cause,
        remedy:
          'ask for a new one; if nobody you know has used it, have `postern revoke` take back what it was good for',
      })
  }
  return grant
}

interface Replacement {
  readonly old: PeerName
  readonly peer: PeerName
  readonly replacement: string
  readonly overlapMs: number
}

/** The old peer ends after the overlap. It is replaced once, but by the same peer again: an answer may have been lost. */
async function replace(authority: Authority, { old, overlapMs, peer, replacement }: Replacement): Promise<void> {
  await verifyReplacement(replacement, old, peer)
  if (registered(authority.folder).some((issued) => issued.peer === peer)) return
  const nowS = Math.floor(authority.clock.now() / 1000)
  await publish(authority, (notice) => {
    if (notice.revoked.some(({ subject }) => subject === old))
      throw new PosternError('CREDENTIAL_REFUSED', 'the key was replaced already', {
        remedy: 'revoke the node, and invite it anew',
      })
    const from = nowS + Math.ceil(Math.min(overlapMs, maxOverlapMs) / 1000)
    return { ...notice, revoked: withRevoked(notice.revoked, [{ subject: old, at: nowS, from }]) }
  })
}

function grantIn(credential: VerifiedCredential): Grant {
  const { name, roles, services } = credential
  return { name, roles, services, lifeMs: lifeOf(credential) }
}

/** The peer that a credential claims to be of, before anything about it is believed. Throws BAD_MESSAGE. */
function peerIn(sealed: string): PeerName {
  try {
    return decodeJwt(partsOf(sealed)[0]).sub ?? ''
  } catch (cause) {
    throw new PosternError('BAD_MESSAGE', 'what is shown is no credential', { cause })
  }
}
