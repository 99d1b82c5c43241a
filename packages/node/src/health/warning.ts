import type { Facts } from './facts.ts'

/** `info` needs nobody now, `warning` somebody soon, `error` somebody at once. */
export const severities = ['info', 'warning', 'error'] as const
export type Severity = (typeof severities)[number]

/** Whether one severity is above another. */
export function isAbove(one: Severity, other: Severity): boolean {
  return severities.indexOf(one) > severities.indexOf(other)
}

/** One case of a way to be unwell; what it leaves out is that of its row. */
export interface Found {
  /** What it is about, where there may be several: a peer, a service, an origin. */
  readonly about?: string | undefined
  readonly cause: string
  readonly remedy?: string | undefined
  readonly severity?: Severity | undefined
}

/** Tells from what is known which cases there are; pure. */
export type Check = (facts: Facts) => readonly Found[]

/** A way to be unwell: how grave it is, what it is in one sentence, what to do about it, and how it is recognised. */
export interface WarningRow {
  readonly severity: Severity
  readonly title: string
  readonly remedy: string
  readonly check: Check
}

/** One row of the registry. */
export const row = (severity: Severity, title: string, remedy: string, check: Check): WarningRow => ({
  severity,
  title,
  remedy,
  check,
})
