import type { Role } from '@postern/protocol'
import { reaches, reachOf } from './health/address-reach.ts'

export interface StarterInit {
  readonly name: string
  readonly roles: readonly Role[]
  readonly services: readonly string[]
  /** Multiaddrs where others will reach a relay. */
  readonly reachedAt?: readonly string[]
  /** Folder of the authority, for a node of that role. */
  readonly authority?: string
}

const usualListen = '/ip4/0.0.0.0/tcp/4001'

/** Where a relay has to listen to be reached at addresses: at their ports, on all of its own addresses of that kind. */
function listenFor(addresses: readonly string[]): string[] {
  const listen = addresses.map((address) => {
    const [, kind = '', , , port = ''] = address.split('/')
    if (reachOf(address) === reaches.indexOf('this host')) return address
    return `${kind === 'ip6' || kind === 'dns6' ? '/ip6/::' : '/ip4/0.0.0.0'}/tcp/${port}`
  })
  return [...new Set(listen)]
}

/** A config to start from: complete for the roles, with what is to be adapted marked by comments. */
export function starterConfig({ authority, name, reachedAt = [], roles, services }: StarterInit): string {
  const named = services.filter((service) => !service.includes('*'))
  const offered = named.length > 0 ? named : ['api']
  const parts = [
    `# ${name}: a Postern node. \`postern check\` says whether this is right, \`postern up\` runs it.`,
    'mesh: mesh.json',
    'state: state',
    '',
  ]
  if (roles.includes('relay')) {
    parts.push(
      'relay:',
      `  listen: [${(reachedAt.length > 0 ? listenFor(reachedAt) : [usualListen]).join(', ')}]`,
      '  # Where others reach this relay, when that differs from where it listens:',
      `  # announce: [${(reachedAt.length > 0 ? reachedAt : ['/dns4/relay.example.net/tcp/4001']).join(', ')}]`,
      '',
    )
  }
  if (roles.includes('ingress')) {
    parts.push('ingress:', '  listen:', '    - url: http://127.0.0.1:8080', '  routes:')
    for (const [at, service] of offered.entries())
      parts.push(`    - { host: '*', path: ${at === 0 ? '/' : `/${service}`}, service: ${service} }`)
    parts.push('  path: { relays: 2, trunks: 2 }', '')
  }
  if (roles.includes('egress')) {
    parts.push('egress:', '  services:')
    for (const service of offered) {
      parts.push(
        `    ${service}:`,
        '      backends: [http://127.0.0.1:3000]',
        '      # What is not listed here is answered with 404 and never reaches the backend:',
        '      expose:',
        "        - { methods: [GET, HEAD], path: '/**' }",
      )
    }
    parts.push('')
  }
  if (roles.includes('authority')) {
    parts.push(
      'authority:',
      '  # The folder of `postern mesh create`: with its keys this node answers invites and renewals.',
      `  folder: ${JSON.stringify(authority ?? '../authority')}`,
      '',
    )
  }
  return parts.join('\n')
}
