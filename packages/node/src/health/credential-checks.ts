import type { Facts } from './facts.ts'
import { date, failed, span } from './said.ts'
import type { Check, Found, Severity } from './warning.ts'

const dayMs = 24 * 3600_000

/**
 * When an end that comes nearer is spoken of, and how gravely: when so many days are left, and no more than this share of
 * the whole life, so that one of a week is not spoken of for most of it.
 */
const notices: ReadonlyArray<readonly [days: number, share: number, severity: Severity]> = [
  [1, 1 / 20, 'error'],
  [7, 1 / 6, 'warning'],
  [30, 1 / 3, 'info'],
]

/** A renewal that is due is tried at once; nothing is said before it could have been heard of. */
const renewalMs = 60_000

type Credential = NonNullable<Facts['credential']>

/** What could not be loaded for the reason that the code names, and what holds of a credential that was. */
const orHeld =
  (code: string, held: (credential: Credential, nowMs: number) => string | undefined): Check =>
  (facts) => {
    const cause = facts.credential && held(facts.credential, facts.nowMs)
    return [...failed(code)(facts), ...(cause === undefined ? [] : [{ cause }])]
  }

export const early = orHeld('CREDENTIAL_EARLY', ({ notBeforeMs }, nowMs) =>
  notBeforeMs > nowMs
    ? `it is valid from ${date(notBeforeMs)} on: a clock is off by ${span(notBeforeMs - nowMs)} or more`
    : undefined,
)

export const expired = orHeld('CREDENTIAL_EXPIRED', ({ expiresMs }, nowMs) =>
  expiresMs <= nowMs ? `it was valid until ${date(expiresMs)}` : undefined,
)

export const revoked = orHeld('CREDENTIAL_REVOKED', (credential) =>
  credential.revoked ? 'the authority has taken it back' : undefined,
)

/** One that is renewed in time is nothing to speak of, however short its life is. */
export const expiring: Check = ({ credential, nowMs }) => {
  if (credential === undefined || credential.expiresMs <= nowMs) return []
  const sinceDueMs = nowMs - credential.dueMs
  if (sinceDueMs < 0 || (credential.failure === undefined && sinceDueMs < renewalMs)) return []
  const why = credential.failure === undefined ? '' : `; it was not renewed: ${credential.failure}`
  const lifeMs = credential.expiresMs - credential.notBeforeMs
  const [found] = soonOver({ expiresMs: credential.expiresMs, lifeMs }, nowMs, undefined)
  return found === undefined ? [] : [{ ...found, cause: `${found.cause}${why}` }]
}

export const certificateExpiring: Check = ({ certificates = [], nowMs }) =>
  certificates.flatMap(({ expiresMs, file }) => soonOver({ expiresMs, lifeMs: Number.POSITIVE_INFINITY }, nowMs, file))

interface Span {
  readonly expiresMs: number
  readonly lifeMs: number
}

function soonOver({ expiresMs, lifeMs }: Span, nowMs: number, file: string | undefined): Found[] {
  const leftMs = expiresMs - nowMs
  const notice = notices.find(([days, share]) => leftMs <= Math.min(days * dayMs, share * lifeMs))
  if (notice === undefined) return []
  const until = date(expiresMs)
  const said = leftMs <= 0 ? `was valid until ${until}` : `is valid for another ${span(leftMs)}, until ${until}`
  return [{ about: file, cause: `${file ?? 'it'} ${said}`, severity: notice[2] }]
}

export const behind: Check = ({ bulletin }) => {
  if (bulletin === undefined || bulletin.heard <= bulletin.sequence) return []
  return [{ cause: `the bulletin here is number ${bulletin.sequence}, that of a neighbour number ${bulletin.heard}` }]
}

export const registerDamaged: Check = ({ register }) => {
  const lines = register?.unreadable ?? []
  return lines.length === 0 ? [] : [{ cause: `issued.jsonl cannot be read at: ${lines.slice(0, 10).join(', ')}` }]
}

/** A withheld bulletin is spoken of for a day. */
export const withheld: Check = ({ bulletin, nowMs }) => {
  const found = bulletin?.withheld
  if (found === undefined || nowMs - found.atMs > dayMs) return []
  const [only, ...others] = found.relays.map((relay) => `…${relay.slice(-8)}`)
  const who = others.length === 0 ? `relay ${only}` : `one or all of the relays ${[only, ...others].join(', ')}`
  return [{ cause: `${who} held bulletin ${found.sequence} back at ${date(found.atMs)}, or was not told of it` }]
}

/** A mesh in which no authority runs has no heartbeat to miss, unless the node is told to refuse calls without. */
export const silent: Check = ({ freshness, nowMs }) => {
  if (freshness === undefined) return []
  const { confirmedMs, staleMs, strict } = freshness
  if (confirmedMs === undefined ? !strict : nowMs - confirmedMs <= staleMs) return []
  const severity = strict ? 'error' : 'warning'
  const refused = strict ? '; no call is made or taken here until then' : ''
  const last = confirmedMs === undefined ? 'it was never heard' : `it was last heard at ${date(confirmedMs)}`
  return [{ cause: `${last}${refused}`, severity }]
}
