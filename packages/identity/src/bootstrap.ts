import { join } from 'node:path'
import { type Authority, meshFileText } from './authority.ts'
import { exclusively } from './publish.ts'
import { fileNames, replaceFile } from './store.ts'

/** Adds a relay to the addresses that new members start from. */
export async function addBootstrap({ clock, folder }: Authority, addresses: readonly string[]): Promise<Authority> {
  return await exclusively(folder, clock, async (newest) => withBootstrap(newest, addresses))
}

/** As `addBootstrap`, for a caller that holds the folder, see `exclusively`. */
export function withBootstrap(newest: Authority, addresses: readonly string[]): Authority {
  const mesh = { ...newest.mesh, bootstrap: [...new Set([...newest.mesh.bootstrap, ...addresses])] }
  replaceFile(join(newest.folder, fileNames.mesh), meshFileText(mesh))
  return { ...newest, mesh }
}
