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

/** Answers that were ended in the last minutes since nobody read them while others waited. */
export const answersStalled: Check = ({ refused }) => {
  const stalled = refused?.stalled ?? 0
  return stalled === 0
    ? []
    : [{ cause: `within minutes ${stalled} answers were ended that nobody read while requests waited` }]
}
