import type { RouteConfig } from './schema.ts'

/** The routes of an ingress by host and path prefix; the time to find one does not grow with their number. */
export class RouteTable {
  readonly #byHost = new Map<string, Map<string, RouteConfig>>()

  constructor(routes: readonly RouteConfig[]) {
    for (const route of routes) {
      const prefixes = this.#byHost.get(route.host) ?? new Map<string, RouteConfig>()
      const prefix = route.path.replace(/\/+$/, '')
      if (!prefixes.has(prefix)) prefixes.set(prefix, route)
      this.#byHost.set(route.host, prefixes)
    }
  }

  /** The route of the most specific host that has one for the path, and there the one of the longest prefix. */
  find(authority: string, target: string): RouteConfig | undefined {
    const host = hostOf(authority)
    let found = this.#inHost(host, target)
    for (let dot = host.indexOf('.'); dot >= 0 && found === undefined; dot = host.indexOf('.', dot + 1)) {
      found = this.#inHost(`*${host.slice(dot)}`, target)
    }
    return found ?? this.#inHost('*', target)
  }

  #inHost(host: string, target: string): RouteConfig | undefined {
    const prefixes = this.#byHost.get(host)
    if (prefixes === undefined) return undefined
    const query = target.indexOf('?')
    let prefix = query < 0 ? target : target.slice(0, query)
    for (;;) {
      const route = prefixes.get(prefix)
      if (route !== undefined) return route
      const slash = prefix.lastIndexOf('/')
      if (slash < 0) return undefined
      prefix = prefix.slice(0, slash)
    }
  }
}

/** The host of an authority in lower case, without its port; IPv6 literals keep their brackets. */
export function hostOf(authority: string): string {
  const end = authority.startsWith('[') ? authority.indexOf(']') + 1 : authority.indexOf(':')
  return (end <= 0 ? authority : authority.slice(0, end)).toLowerCase()
}
