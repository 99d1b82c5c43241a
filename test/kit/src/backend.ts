import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An API to hide: a real HTTP server on a free port of the loopback address. */
export interface Backend extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Requests that have reached it. */
  readonly requests: number
  readonly server: ReturnType<typeof createServer>
}

export async function backendOf(handler: RequestListener): Promise<Backend> {
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    handler(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    get requests() {
      return requests
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
