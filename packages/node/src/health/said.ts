import type { RelayStatus } from '@postern/mesh'
import type { Check } from './warning.ts'

/** What is known from a failure alone: that of reading, or of starting, with this code. */
export const failed =
  (code: string): Check =>
  ({ failures = [] }) =>
    failures.filter((failure) => failure.code === code).map(({ message, remedy }) => ({ cause: message, remedy }))

export function date(ms: number): string {
  return new Date(ms).toISOString()
}

const units = [
  ['days', 24 * 3600_000],
  ['hours', 3600_000],
  ['minutes', 60_000],
  ['seconds', 1000],
] as const

/** A time in the largest unit of which there are two. */
export function span(ms: number): string {
  const [name, unit] = units.find(([, size]) => ms >= 2 * size) ?? ['seconds', 1000]
  return `${Math.floor(ms / unit)} ${name}`
}

/** A relay as an operator can find it: the end of its peer id, and where it is. */
export function named({ addresses, peer }: RelayStatus): string {
  return `relay …${peer.slice(-8)} at ${addresses.join(' or ') || 'no address'}`
}
