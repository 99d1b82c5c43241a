import { freePorts } from '../ports.mjs'
import { startNginxProxy } from './nginx-proxy.mjs'

/** Starts three nginx, one before the other, with TLS between them and connections kept: `{ url, nodes }`. */
export async function startNginxChain({ workshop, tools, backend }) {
  const [first, second, third] = await freePorts(3)
  const chain = [
    { name: 'nginx-1', port: first, tls: false, next: `https://127.0.0.1:${second}` },
    { name: 'nginx-2', port: second, tls: true, next: `https://127.0.0.1:${third}` },
    { name: 'nginx-3', port: third, tls: true, next: `http://127.0.0.1:${backend}` },
  ]
  const nodes = await Promise.all(chain.map((hop) => startNginxProxy({ workshop, tools, ...hop })))
  return { url: `http://127.0.0.1:${first}`, nodes }
}
