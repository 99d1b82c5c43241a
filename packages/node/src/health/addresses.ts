import type { Member } from '@postern/identity'
import type { Config } from '../config.ts'
import { listeningOf } from './listening.ts'
import { type Warning, warningsOf } from './registry.ts'

/** What can be said of where a relay listens before it runs. */
export function addressWarnings(config: Config, member: Member): Warning[] {
  const listening = listeningOf(config, member)
  return listening === undefined ? [] : warningsOf({ nowMs: 0, listening })
}
