import { type Clock, type PeerName, PosternError, systemClock } from '@postern/protocol'
import { decodeJwt } from 'jose'
import type { Authority } from './authority.ts'
import { type Grant, lifeOf, type VerifiedCredential, verifierOf } from './credential.ts'
import { partsOf } from './disclosure.ts'
import {
  type Claim,
  type Enrolment,
  maxOverlapMs,
  sealAdmission,
  verifyEnrolment,
  verifyReplacement,
} from './enrolment.ts'
import { usualGraceMs } from './grace.ts'
import { verifyInvite } from './invite.ts'
import { issue, membershipNow } from './issue.ts'
import { amend, exclusively } from './publish.ts'
import { readRegister } from './register.ts'
import { withRevoked } from './revoke.ts'
import { useOnce } from './used.ts'

/** What an authority granted. */
export interface Admitted {
  /** For who asked, and for nobody else to read. */
  readonly admission: string
  readonly peer: PeerName
  readonly name: string
  readonly by: 'invite' | 'renewal' | 'replacement'
  /** When the credential ends. */
  readonly expiresMs: number
}

export interface AdmitOptions {
  /** How long a credential may be over and still be renewed. */
  readonly graceMs?: number
  /** The longest life of a credential that is renewed, or that is for a new key; that of the one that is shown, else. */
  readonly maxLifeMs?: number
}

/**
 * Decides on a request for a credential, by an authority's folder as it is now; what is revoked there meanwhile takes
 * the credential back as well. Throws BAD_MESSAGE, BUSY, INVITE_INVALID, INVITE_EXPIRED, INVITE_USED, or CREDENTIAL_…
 * where the credential that is shown does not count.
 */
export async function admit(
  folder: string,
  request: string,
  clock: Clock = systemClock,
  options: AdmitOptions = {},
): Promise<Admitted> {
  const enrolment = await verifyEnrolment(request)
  return await exclusively(folder, clock, (authority) => answer(authority, enrolment, options))
}

async function answer(
  authority: Authority,
  { claim, peer, replyKey }: Enrolment,
  options: AdmitOptions,
): Promise<Admitted> {
  const by = 'invite' in claim ? 'invite' : 'replacement' in claim ? 'replacement' : 'renewal'
  const grant = await grantOf(authority, peer, claim, options)
  const replaces = 'replacement' in claim ? peerIn(claim.credential) : undefined
  const credential = await issue(authority, peer, grant, { by, replaces })
  const membership = { ...membershipNow(authority), credential }
  const admission = await sealAdmission(membership, replyKey, authority.signatory)
  return { admission, peer, name: grant.name, by, expiresMs: authority.clock.now() + grant.lifeMs }
}

async function grantOf(
  authority: Authority,
  peer: PeerName,
  claim: Claim,
  { graceMs = usualGraceMs, maxLifeMs = Number.POSITIVE_INFINITY }: AdmitOptions,
): Promise<Grant> {
  if ('invite' in claim) return await redeem(authority, peer, claim.invite)
  const shown = peerIn(claim.credential)
  // What has ended is renewed for the key it was of, and gives no other.
  const allowedMs = 'replacement' in claim ? 0 : graceMs
  const credential = await verifierOf(authority.bulletin).renewable(claim.credential, shown, allowedMs)
  if ('replacement' in claim) await replace(authority, { old: shown, peer, ...claim })
  else if (shown !== peer)
    throw new PosternError('CREDENTIAL_WRONG_PEER', 'a credential is renewed for its own peer alone')
  const grant = grantIn(credential)
  return { ...grant, lifeMs: Math.min(grant.lifeMs, maxLifeMs) }
}

/** An invite is good once, but for its first user again: an answer may have been lost. */
async function redeem(authority: Authority, peer: PeerName, sealed: string): Promise<Grant> {
  const { grant, id } = await verifyInvite(authority, sealed)
  if (authority.bulletin.notice.revoked.some(({ subject }) => subject === id))
    throw new PosternError('INVITE_INVALID', 'the authority has taken the invite back', {
      remedy: 'ask for a new one: postern mesh invite',
    })
  if (!useOnce(authority.folder, 'invites', id, peer))
    throw new PosternError('INVITE_USED', 'the invite has been used', {
      remedy: `ask for a new one; if nobody you know has used it, have it and who used it taken back: postern revoke ${id}`,
    })
  return grant
}

interface Replacement {
  readonly old: PeerName
  readonly peer: PeerName
  readonly replacement: string
  readonly overlapMs: number
}

/** A key that came in the place of another stays for so long: each replaced one stands in the bulletin. */
const leastStayMs = 24 * 3600_000

/** The old peer ends after the overlap. It is replaced once, but by the same peer again: an answer may have been lost. */
async function replace(authority: Authority, { old, overlapMs, peer, replacement }: Replacement): Promise<void> {
  await verifyReplacement(replacement, old, peer)
  const { bulletin, clock, folder } = authority
  const nowS = Math.floor(clock.now() / 1000)
  const before = readRegister(folder).issued.find((issued) => issued.peer === old)?.replaces
  const came = bulletin.notice.revoked.find(({ subject }) => subject === before)?.at ?? 0
  // One that came later than now came by a clock that was wrong.
  if (came <= nowS && nowS - came < leastStayMs / 1000)
    throw new PosternError('BUSY', 'the key has itself replaced another within the last day', {
      remedy: 'try again tomorrow; a key that may be stolen is for `postern revoke`',
    })
  if (!useOnce(folder, 'replaced', old, peer))
    throw new PosternError('CREDENTIAL_REFUSED', 'the key was replaced already', {
      remedy: 'revoke the node, and invite it anew',
    })
  await amend(authority, (notice) => {
    if (notice.revoked.some(({ subject }) => subject === old)) return undefined
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
