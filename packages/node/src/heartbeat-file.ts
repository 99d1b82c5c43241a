import { readFileSync } from 'node:fs'
import type { Keep } from '@postern/identity'

/** The newest heartbeat in a file of the state folder; what cannot be read counts as none. */
export function heartbeatFile(file: string, keep: Keep): { load(): string; save(sealed: string): void } {
  return {
    load() {
      try {
        return readFileSync(file, 'utf8').trim()
      } catch {
        return ''
      }
    },
    save: (sealed) => keep(file, `${sealed}\n`),
  }
}
