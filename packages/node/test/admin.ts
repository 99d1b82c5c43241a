import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'

export interface AdminAnswer {
  readonly status: number
  readonly value: { readonly code?: string; readonly message?: string } & Readonly<Record<string, unknown>>
}

/** Asks the admin socket of a node, as its operator's tools do. */
export async function askAdmin(socketPath: string, path: string, method = 'GET'): Promise<AdminAnswer> {
  const asked = request({ socketPath, path, method, agent: false, signal: AbortSignal.timeout(5000) })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode ?? 0, value: JSON.parse(text) as AdminAnswer['value'] }
}

/** Leaves a socket file that nobody listens on, as a process does that did not end in order. */
export async function leaveSocket(file: string): Promise<void> {
  const server = createServer()
  server.listen(`${file}.before`)
  await once(server, 'listening')
  renameSync(`${file}.before`, file)
  server.close()
  await once(server, 'close')
}

/** A port that is taken, until it is let go of. */
export async function takenPort(): Promise<{ port: number; [Symbol.asyncDispose](): Promise<void> }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

/** Sockets that this process listens on, and pipes: the same before and after what leaves nothing running. */
export function openDoors(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap' || kind === 'PipeWrap').length
}
