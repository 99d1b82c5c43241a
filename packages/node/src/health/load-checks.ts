import type { Check } from './warning.ts'

/** Services that had no room for a request in the last minutes. */
export const serviceBusy: Check = ({ refused }) =>
  Object.entries(refused?.services ?? {}).map(([service, count]) => ({
    about: service,
    cause: `within minutes ${count} requests for ${service} were answered with BUSY`,
  }))

/** Clients that asked for more than one may have in the last minutes. */
export const clientsBusy: Check = ({ refused }) => {
  const { clients = 0, slow = 0 } = refused ?? {}
  return [
    ...(clients > 0 ? [{ cause: `within minutes ${clients} requests were answered with CLIENT_BUSY` }] : []),
    ...(slow > 0
      ? [{ about: 'content', cause: `within minutes the content of ${slow} requests did not arrive in time` }]
      : []),
  ]
}

/** Clients that found no room for a connection in the last minutes, or of which one took the place of another. */
export const connectionsFull: Check = ({ closed }) => {
  const { evicted = {}, refused = {} } = closed ?? {}
  const lack = (reason: string) => (refused[reason] ?? 0) + (evicted[reason] ?? 0)
  const [full, crowded] = [lack('ceiling'), lack('address')]
  return [
    ...(full > 0
      ? [
          {
            cause: `within minutes ${full} connections were closed at the ceiling of all`,
            severity: 'warning' as const,
          },
        ]
      : []),
    ...(crowded > 0
      ? [{ about: 'address', cause: `within minutes ${crowded} connections were closed at the ceiling of one address` }]
      : []),
  ]
}

/** Proxies that did not say whom they speak for, or may not. */
export const proxiesRefused: Check = ({ closed }) => {
  const count = closed?.refused['proxy'] ?? 0
  return count === 0
    ? []
    : [{ cause: `within minutes ${count} connections had no PROXY header, or not from a trusted proxy` }]
}

/** Answers that were ended in the last minutes since nobody read them while others waited. */
export const answersStalled: Check = ({ refused }) => {
  const stalled = refused?.stalled ?? 0
  return stalled === 0
    ? []
    : [{ cause: `within minutes ${stalled} answers were ended that nobody read while requests waited` }]
}
