import { until } from './deadline.mjs'
import { cpuUs, forgetPeak, peakMb, rssMb } from './proc.mjs'

const emptyMs = 60_000

/** What is read of each node's process, by the node's name. */
export function eachNode(nodes, read) {
  return Object.fromEntries(nodes.map(({ name, pid }) => [name, read(pid)]))
}

export const rssOf = (nodes) => eachNode(nodes, rssMb)
export const peaksOf = (nodes) => eachNode(nodes, peakMb)

/** CPU time of all of them so far, in µs. */
export function cpuOf(nodes) {
  return nodes.reduce((sum, { pid }) => sum + cpuUs(pid), 0)
}

/** From here on {@link peaksOf} says the most that each has held since. */
export function forgetPeaks(nodes) {
  for (const { pid } of nodes) forgetPeak(pid)
}

/** What nodes of a mesh have under way: requests at ingresses, exchanges at egresses, circuits at relays. */
export async function underWay(nodes) {
  const statuses = await Promise.all(nodes.map((node) => node.status()))
  const sum = (read) => statuses.reduce((total, status) => total + (read(status) ?? 0), 0)
  return {
    requests: sum(({ ingress }) => ingress?.requests),
    exchanges: sum(({ egress }) => egress?.exchanges),
    circuits: sum(({ relay }) => relay?.circuits),
  }
}

/** Waits until no request and no exchange is under way, at most a minute, and yields what is left even so. */
export async function emptied(nodes) {
  let left
  const look = async () => {
    left = await underWay(nodes)
    return left.requests + left.exchanges === 0
  }
  await until(emptyMs, 'the end of all exchanges', look).catch(() => {})
  return left
}
