import { aborts } from './scenarios/aborts.mjs'
import { chains } from './scenarios/chains.mjs'
import { crowding } from './scenarios/crowding.mjs'
import { long } from './scenarios/long.mjs'
import { relays } from './scenarios/relays.mjs'
import { revocation } from './scenarios/revocation.mjs'
import { routes } from './scenarios/routes.mjs'
import { services } from './scenarios/services.mjs'
import { slow } from './scenarios/slow.mjs'
import { startup } from './scenarios/startup.mjs'
import { websockets } from './scenarios/websockets.mjs'
import { workers } from './scenarios/workers.mjs'

/**
 * What can be measured: `{ name, what, run }`, where `run` takes `{ workshop, tools, options, progress }` and yields
 * `{ data, block }`, the figures and how they are shown: `{ title, columns, rows, budget, notes }`. Two of them are of
 * one comparison, which takes both in the same turns: their `run` takes the groups of loads as a second argument.
 */
export const scenarios = [
  {
    name: 'requests',
    what: 'requests/s, CPU, p50 and p99 at 1, 64 and 256 connections, beside other chains',
    run: chains,
  },
  { name: 'bulk', what: 'downloads and uploads of 10 MB and 1 GB, beside other chains', run: chains },
  { name: 'relays', what: 'what each further relay on the way costs: 1, 2, 3', run: relays },
  { name: 'workers', what: 'requests/s of an ingress with no, one and two worker threads', run: workers },
  { name: 'routes', what: 'CPU per request with 1, 1 000 and 10 000 routes', run: routes },
  { name: 'services', what: 'CPU per request with 1, 64 and 1 000 services', run: services },
  { name: 'websockets', what: 'memory of 10 000 idle WebSockets on one ingress', run: websockets },
  { name: 'slow', what: 'memory under 1 000 slow downloads of 100 MB', run: slow },
  { name: 'aborts', what: 'memory and counters after 10 000 aborted and resumed transfers', run: aborts },
  { name: 'crowding', what: 'p99 of a client beside one that would have all connections', run: crowding },
  { name: 'revocation', what: 'last answer to a revoked ingress in a mesh of 50 nodes', run: revocation },
  { name: 'startup', what: 'postern --help, and postern up to the first answer', run: startup },
  { name: 'long', what: 'memory after 10 minutes of the main load; only with --long', run: long },
]

/** The names of those a run takes when none is asked for. */
export function usual({ quick, long: withLong }) {
  if (quick) return ['requests', 'bulk', ...(withLong ? ['long'] : [])]
  return scenarios.map(({ name }) => name).filter((name) => withLong || name !== 'long')
}
