import { readFileSync } from 'node:fs'
import type { Keep } from '@postern/identity'
import type { Choice, ChoiceStore } from '@postern/mesh'
import { type Log, reasonOf } from '@postern/protocol'
import { z } from 'zod'

const choicesSchema = z.array(
  z.strictObject({ peer: z.string(), addresses: z.array(z.string()), lastSeenMs: z.number() }),
)

/** Chosen relays in a file of the state folder. A file that cannot be read counts as none, and is said so. */
export function choiceFile(file: string, { keep, log }: { readonly keep: Keep; readonly log: Log }): ChoiceStore {
  let written = ''
  return {
    load() {
      try {
        return choicesSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          log.warn('choices forgotten', { file, reason: reasonOf(error) })
        return []
      }
    },
    save(choices: readonly Choice[]) {
      // When a relay was last seen matters to the minute.
      const text = JSON.stringify(
        choices.map((c) => ({ ...c, lastSeenMs: Math.floor(c.lastSeenMs / 60_000) * 60_000 })),
      )
      if (text === written) return
      written = text
      keep(file, text)
    },
  }
}
