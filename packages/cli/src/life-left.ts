import type { NodeStatus } from '@postern/node'

const hourMs = 3600_000

/** How long a credential is still good, for people. */
export function lifeLeft({ daysLeft, expires, over }: NodeStatus['credential'], nowMs: number = Date.now()): string {
  if (over) return `ended at ${expires}; it is renewed as soon as an authority answers`
  if (daysLeft >= 2) return `${daysLeft} days left, until ${expires}`
  return `${Math.max(0, Math.floor((Date.parse(expires) - nowMs) / hourMs))} hours left, until ${expires}`
}
