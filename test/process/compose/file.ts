import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** What docker-compose.yml says, as far as the tests ask; with the files of the checkout that it names. */

export interface Service {
  readonly image: string
  readonly build?: string
  readonly user?: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly restart?: string
  readonly stop_grace_period?: string
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly networks?: readonly string[]
  readonly network_mode?: string
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly read_only?: boolean
  readonly privileged?: boolean
  readonly cap_add?: readonly string[]
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> }
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly volumes: Readonly<Record<string, object>>
}

interface NodeConfig {
  readonly relay?: { readonly listen: readonly string[]; readonly announce: readonly string[] }
  readonly ingress?: { readonly listen: ReadonlyArray<{ readonly url: string }> }
  readonly egress?: { readonly services: Readonly<Record<string, { readonly backends: readonly string[] }>> }
  readonly authority?: { readonly folder: string }
  readonly drainMs?: number
}

/** The top of the checkout. */
export const root = fileURLToPath(new URL('../../..', import.meta.url))
export const read = (file: string) => readFileSync(join(root, file), 'utf8')
export const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose
export const services = Object.entries(compose.services)

export interface Mount {
  /** A path of the repository, or the name of a volume. */
  readonly source: string
  readonly target: string
  readonly isVolume: boolean
  readonly readOnly: boolean
}

export function mountsOf({ volumes = [] }: Service): Mount[] {
  return volumes.map((text) => {
    const [source = '', target = '', mode] = text.split(':')
    return { source, target, isVolume: !source.startsWith('.'), readOnly: mode === 'ro' }
  })
}

/** A service that names none is on the network `default`. */
export function networksOf({ network_mode: mode, networks }: Service): readonly string[] {
  if (mode === undefined) return networks ?? ['default']
  return mode === 'none' ? [] : [mode]
}

export const shareNetwork = (a: string, b: string) =>
  networksOf(serviceOf(a)).some((network) => networksOf(serviceOf(b)).includes(network))

export function serviceOf(name: string): Service {
  const service = compose.services[name]
  assert.ok(service, `there is no service ${name}`)
  return service
}

/** Services that run a node, with the config that each is given. */
export const nodes = new Map(
  services.flatMap(([name, service]) => {
    const config = mountsOf(service).find(({ target }) => target === '/node/postern.yaml')
    return config === undefined ? [] : [[name, parse(read(config.source)) as NodeConfig] as const]
  }),
)
export const rolesOf = (config: NodeConfig) =>
  (['relay', 'ingress', 'egress', 'authority'] as const).filter((role) => config[role] !== undefined)
export const namesOf = (role: keyof NodeConfig) =>
  [...nodes].filter(([, config]) => role in config).map(([name]) => name)
