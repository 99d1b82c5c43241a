import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Registry extends AsyncDisposable {
  readonly url: string
}

const program = new URL('./registry-program.ts', import.meta.url)

/** Runs an npm registry, in a process of its own, that keeps what it is given in a folder. */
export async function registryOf(folder: string): Promise<Registry> {
  mkdirSync(folder)
  const child = fork(fileURLToPath(program), [folder])
  const ended = once(child, 'exit')
  const failed = ended.then(([code]) => {
    throw new Error(`the registry ended with ${String(code)}`)
  })
  failed.catch(() => {})
  const [port] = (await Promise.race([once(child, 'message'), failed])) as [number]
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await ended
    },
  }
}
