import { fileURLToPath } from 'node:url'
import { environment, node } from '../../setup.mjs'
import { freePorts, listening } from '../ports.mjs'
import { certificate } from './certificate.mjs'

const hop = fileURLToPath(new URL('./node-hop.mjs', import.meta.url))

/** Starts three plain Node.js reverse proxies with TLS between them and connections kept: `{ url, nodes }`. */
export async function startNodeChain({ workshop, backend }) {
  const [first, second, third] = await freePorts(3)
  const chain = [
    { name: 'node-1', port: first, tls: false, next: `https://127.0.0.1:${second}` },
    { name: 'node-2', port: second, tls: true, next: `https://127.0.0.1:${third}` },
    { name: 'node-3', port: third, tls: true, next: `http://127.0.0.1:${backend}` },
  ]
  const nodes = await Promise.all(
    chain.map(async ({ name, ...task }) => {
      const env = { ...environment, NODE_ENV: 'production' }
      const { pid, died } = workshop.start(name, node, [hop, JSON.stringify({ ...task, ...certificate })], {
        env,
        channel: true,
      })
      await listening(name, task.port, died)
      return { name, pid }
    }),
  )
  return { url: `http://127.0.0.1:${first}`, nodes }
}
