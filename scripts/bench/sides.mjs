import { startMesh } from './mesh.mjs'
import { startBlindChain } from './sides/blind-chain.mjs'
import { startNginxChain } from './sides/nginx-chain.mjs'
import { startNodeChain } from './sides/node-chain.mjs'
import { startStunnelChain } from './sides/stunnel-chain.mjs'

/**
 * What is measured beside each other, by the name in the JSON. `needs` is a program that may be missing: then the side
 * is left out. `start` takes `{ workshop, tools, backend }` and yields `{ url, nodes }`. Ratios are mesh ÷ yardstick.
 */
export const sides = [
  { name: 'mesh', title: 'mesh', what: 'ingress, relay, egress', start: startMesh },
  { name: 'yardstick', title: 'nginx TLS', what: 'three nginx, TLS between them', start: startNginxChain },
  {
    name: 'blind',
    title: 'blind',
    what: 'nginx, TLS through a haproxy that sees only ciphertext, nginx',
    needs: 'haproxy',
    start: startBlindChain,
  },
  {
    name: 'stunnel',
    title: 'stunnel',
    what: 'three stunnel, TLS between them, no HTTP',
    needs: 'stunnel',
    start: startStunnelChain,
  },
  { name: 'node', title: 'plain Node', what: 'three node:http proxies, TLS between them', start: startNodeChain },
]

/** The two that every comparison has. */
export const always = ['mesh', 'yardstick']

export const titleOf = (name) => sides.find((side) => side.name === name)?.title ?? name
