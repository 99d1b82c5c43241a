import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, listening } from '../ports.mjs'
import { startNginxProxy } from './nginx-proxy.mjs'

/** Starts nginx, a TCP relay that sees only the TLS of the two beside it, and nginx: `{ url, nodes }`. */
export async function startBlindChain({ workshop, tools, backend }) {
  const [first, second, third] = await freePorts(3)
  const chain = [
    { name: 'blind-1', port: first, tls: false, next: `https://127.0.0.1:${second}` },
    { name: 'blind-3', port: third, tls: true, next: `http://127.0.0.1:${backend}` },
  ]
  const [before, behind] = await Promise.all(chain.map((hop) => startNginxProxy({ workshop, tools, ...hop })))
  const file = join(workshop.folder, 'blind-2.cfg')
  writeFileSync(file, relay(second, third))
  const { pid, died } = workshop.start('blind-2', tools.haproxy.path, ['-db', '-f', file])
  await listening('blind-2', second, died)
  return { url: `http://127.0.0.1:${first}`, nodes: [before, { name: 'blind-2', pid }, behind] }
}

function relay(port, next) {
  return `global
  maxconn 4096
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 600s
  timeout server 600s
listen relay
  bind 127.0.0.1:${port}
  server next 127.0.0.1:${next}
`
}
