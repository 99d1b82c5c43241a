import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { PosternError } from '@postern/protocol'
import { z } from 'zod'
import { fileNames, readPublicFile } from './store.ts'

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
})

/** A credential, or an invite to one, that an authority has issued. */
export type Issued = z.infer<typeof entrySchema>

/** Keeps what was issued, a line each, so that it can be taken back by its name. */
export function register(folder: string, issued: Issued): void {
  appendFileSync(join(folder, fileNames.register), `${JSON.stringify(issued)}\n`, { mode: 0o600, flush: true })
}

/** All that the authority has issued, oldest first. Throws CONFIG_INVALID where a line is none of its own. */
export function registered(folder: string): Issued[] {
  const file = join(folder, fileNames.register)
  if (!existsSync(file)) return []
  const lines = readPublicFile(file)
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line, at) => {
    try {
      return entrySchema.parse(JSON.parse(line))
    } catch (cause) {
      throw new PosternError('CONFIG_INVALID', `${file}: line ${at + 1} is no entry of the register`, { cause })
    }
  })
}
