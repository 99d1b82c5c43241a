import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { appendLine, fileNames, readPublicFile } from './store.ts'

const entrySchema = z.object({
  name: z.string(),
  /** None for an invite. */
  peer: z.string().optional(),
  /** Id of the credential, or of the invite. */
  credential: z.string(),
  roles: z.array(z.string()),
  services: z.array(z.string()),
  expires: z.string(),
  /** The peer in whose place this one came. */
  replaces: z.string().optional(),
  /** When, ISO 8601. */
  at: z.iso.datetime().optional(),
  /** What it came of: `issue` of a folder, asked for by an `invite`, a `renewal` or a `replacement`. None for an invite. */
  by: z.enum(['issue', 'invite', 'renewal', 'replacement']).optional(),
})

/** A credential, or an invite to one, that an authority has issued. */
export type Issued = z.infer<typeof entrySchema>

/** Keeps what was issued, a line each, so that it can be taken back by its name. */
export function register(folder: string, issued: Issued): void {
  appendLine(join(folder, fileNames.register), JSON.stringify(issued))
}

/** What an authority has issued, as far as its register can be read. */
export interface Register {
  /** Oldest first. */
  readonly issued: readonly Issued[]
  /** Numbers of lines that are none of the register: torn by a loss of power, or altered. What they said is unknown. */
  readonly unreadable: readonly number[]
}

/** Reads the whole register; a line that is none of it is passed over and named. Throws FILE_MISSING. */
export function readRegister(folder: string): Register {
  const file = join(folder, fileNames.register)
  if (!existsSync(file)) return { issued: [], unreadable: [] }
  const issued: Issued[] = []
  const unreadable: number[] = []
  for (const [at, line] of readPublicFile(file).split('\n').entries()) {
    if (line === '') continue
    const entry = entryOf(line)
    if (entry === undefined) unreadable.push(at + 1)
    else issued.push(entry)
  }
  return { issued, unreadable }
}

function entryOf(line: string): Issued | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
