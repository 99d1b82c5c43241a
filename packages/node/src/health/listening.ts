import type { Member } from '@postern/identity'
import type { Config } from '../config.ts'
import { reaches, reachOf } from './address-reach.ts'

/** Where a relay listens, and where others look for it. */
export interface Listening {
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  /** Its addresses in the mesh file, from which nodes start. */
  readonly named: readonly string[]
}

export function listeningOf({ relay }: Config, { key, mesh }: Pick<Member, 'key' | 'mesh'>): Listening | undefined {
  if (relay === undefined) return undefined
  const end = `/p2p/${key.peerId.toString()}`
  const named = mesh.bootstrap
    .filter((address) => address.endsWith(end))
    .map((address) => address.slice(0, -end.length))
  return { listen: relay.listen, announce: relay.announce, named }
}

interface Place {
  readonly kind: string
  readonly host: string
  readonly port: string
}

function placeOf(address: string): Place {
  const [, kind = '', host = '', , port = ''] = address.split('/')
  return { kind, host, port }
}

/** Whether it is one address, and not a name or all addresses of a host. */
function isLiteral({ host, kind }: Place): boolean {
  return kind.startsWith('ip') && host !== '0.0.0.0' && host !== '::'
}

/**
 * Whether who goes to an address can arrive where a relay listens, if nothing on the way forwards it elsewhere: at the same
 * port, over the same version of IP, and not from beyond at what only this host reaches.
 */
export function arrives(address: string, listen: string): boolean {
  const to = placeOf(address)
  const at = placeOf(listen)
  if (to.port !== at.port || reachOf(listen) < Math.min(reachOf(address), reaches.indexOf('the local network')))
    return false
  if (isLiteral(to) && isLiteral(at) && to.host !== at.host && reachOf(listen) === reachOf(address)) return false
  // What listens at :: takes both versions.
  if (at.host === '::') return true
  const version = (kind: string) => /[46]$/.exec(kind)?.[0]
  return to.kind === 'dns' || at.kind === 'dns' || version(to.kind) === version(at.kind)
}

/** Addresses at which nobody arrives, as far as the config tells. */
export function unheard({ announce, listen, named }: Listening): Record<'announced' | 'named', string[]> {
  const isUnheard = (address: string) => !listen.some((each) => arrives(address, each))
  return {
    announced: announce.filter(isUnheard),
    // What the operator announces was said to be so on purpose.
    named: named.filter((address) => isUnheard(address) && !announce.includes(address)),
  }
}
