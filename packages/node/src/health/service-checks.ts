import type { BackendFact, Facts } from './facts.ts'
import { span } from './said.ts'
import type { Check, Found } from './warning.ts'

/** How far two clocks may be apart: what a knock allows. */
const clockToleranceMs = 60_000

export const noGuard: Check = ({ guards }) =>
  guards?.registered === 0
    ? [{ cause: `of ${guards.chosen} chosen relays ${guards.linked} are linked, and none has taken its registration` }]
    : []

export const oneGuard: Check = ({ guards }) =>
  guards?.registered === 1 ? [{ cause: `registered at 1 of ${guards.chosen} chosen relays` }] : []

/** Called services to which no trunk is open. */
function unserved({ services = [] }: Facts) {
  return services.filter(({ egresses }) => egresses.every(({ trunks }) => trunks === 0))
}

/** Too few relays for any way: what is said of services then says no more. */
function isTooShort({ entries, pathRelays = 0 }: Facts): boolean {
  return entries !== undefined && (entries.linked === 0 || entries.chosen < pathRelays)
}

export const noEgress: Check = (facts) =>
  (isTooShort(facts) ? [] : unserved(facts)).map(({ egresses, service }) => ({
    about: service,
    cause:
      egresses.length === 0
        ? `no guard tells of an egress that offers ${service}`
        : `no trunk could be opened to any of ${egresses.length} egresses that offer ${service}`,
  }))

export const fewRelays: Check = (facts) => {
  const { entries, pathRelays = 0 } = facts
  if (entries === undefined || entries.linked === 0 || !isTooShort(facts) || unserved(facts).length === 0) return []
  return [{ cause: `${pathRelays} different relays are asked for, ${entries.chosen} can be linked` }]
}

const placeOf = ({ origin, service }: BackendFact) => `${service} ${origin}`

export const backendDown: Check = ({ backends = [] }) =>
  backends
    .filter(({ up }) => !up)
    .map((backend): Found => {
      const last = !backends.some(({ service, up }) => up && service === backend.service)
      return {
        about: placeOf(backend),
        cause: `${backend.origin}, of the service ${backend.service}: ${backend.reason ?? 'took no connection when last tried'}`,
        severity: last ? 'error' : undefined,
      }
    })

export const backendSilent: Check = ({ backends = [] }) =>
  backends
    .filter(({ silent }) => silent === true)
    .map((backend) => ({
      about: placeOf(backend),
      cause: `${backend.origin}, of the service ${backend.service}: no answer to HEAD / in time`,
    }))

/** Who witnesses that a clock is off: a backend that tells the time, and members who knock with the wrong one. */
export const clockOff: Check = ({ backends = [], knocks = {} }) => {
  const off = backends.filter(({ clockAheadMs = 0 }) => Math.abs(clockAheadMs) > clockToleranceMs)
  const late = knocks['late'] ?? 0
  return [
    ...off.map((backend) => {
      const aheadMs = backend.clockAheadMs ?? 0
      const way = aheadMs > 0 ? 'behind' : 'ahead of'
      return {
        about: backend.origin,
        cause: `the clock of this host is ${span(Math.abs(aheadMs))} ${way} that of the backend ${backend.origin}`,
      }
    }),
    ...(late === 0
      ? []
      : [
          {
            cause: `within minutes ${late} knocks held the mesh secret and a time more than a minute from that of this host`,
          },
        ]),
  ]
}
