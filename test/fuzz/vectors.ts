import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Octets that a reader once failed on, by the name of their file. */
export function keptVectors(target: string): ReadonlyMap<string, Buffer> {
  const folder = join(import.meta.dirname, 'vectors', target)
  const names = existsSync(folder) ? readdirSync(folder) : []
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]))
}
