const dayMs = 24 * 3600_000

/** Whole days until a time; none once it has passed. */
export function daysLeft(untilMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((untilMs - nowMs) / dayMs))
}
