import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The API that the demo hides: a few things to look at with curl or a browser. */
const name = process.argv[2] ?? 'sample'

type Page = (request: IncomingMessage, response: ServerResponse) => void

const links: ReadonlyArray<readonly [path: string, text: string]> = [
  ['/hello', 'a greeting as JSON'],
  ['/request', 'your request, as the hidden API saw it'],
  ['/clock', 'the time, once a second, as server-sent events'],
  ['/large?bytes=10000000', 'as many octets as you ask for'],
]

const pages: Readonly<Record<string, Page>> = {
  '/'(request, response) {
    if (!(request.headers.accept ?? '').includes('text/html'))
      return json(response, { api: name, message: 'Hello from behind the mesh.', try: links.map(([path]) => path) })
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(page())
  },
  '/hello': (_request, response) => json(response, { api: name, message: 'Hello from behind the mesh.' }),
  '/request': (request, response) => {
    const { headers, method, url } = request
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () => json(response, { api: name, method, url, headers, contentBytes: bytes }))
  },
  '/clock': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const tick = () => response.write(`data: ${new Date().toISOString()}\n\n`)
    tick()
    const timer = setInterval(tick, 1000)
    response.on('close', () => clearInterval(timer))
  },
  '/large': (request, response) => {
    const asked = Number(new URL(request.url ?? '/', 'http://api').searchParams.get('bytes') ?? 1_000_000)
    let left = Math.min(Math.max(0, Math.floor(asked) || 0), 10_000_000_000)
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': left })
    const block = Buffer.alloc(64 * 1024, 'postern ')
    const more = () => {
      while (left > 0) {
        const piece = left < block.length ? block.subarray(0, left) : block
        left -= piece.length
        if (response.write(piece)) continue
        response.once('drain', more)
        return
      }
      response.end()
    }
    more()
  },
}

function json(response: ServerResponse, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

function page(): string {
  const list = links.map(([path, text]) => `<li><a href="${path}"><code>${path}</code></a> ${text}</li>`).join('')
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Behind the mesh</title><style>body{font:17px/1.6 system-ui,sans-serif;max-width:38rem;margin:4rem auto;padding:0 1rem;color:#1b2430}
h1{font-size:1.6rem}code{background:#eef1f5;padding:.1em .35em;border-radius:4px}a{color:#0b5cad}</style>
<h1>Hello from behind the mesh</h1>
<p>This page comes from the <b>${name}</b>, which the mesh hides. Your request went through an ingress, two relays and an egress to get here.</p><ul>${list}</ul></html>`
}

const server = createServer((request, response) => {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const serve = pages[path]
  if (serve !== undefined) return serve(request, response)
  response.writeHead(404, { 'content-type': 'text/plain' })
  response.end('The sample API has no such page.\n')
})
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`),
)
const stop = () => process.exit()
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// A terminal that closes is nothing to an API; the demo ends it.
process.on('SIGHUP', () => {})
process.on('disconnect', stop)
// It is not there where there was no channel.
if ('connected' in process && !process.connected) stop()
