import type { RouteConfig } from './schema.ts'

/** The routes of an ingress by host and path prefix; the time to find one does not grow with their number. */
export class RouteTable {
  readonly #byHost = new Map<string, Prefixes>()
  /** Whether any route is for one host alone. */
  readonly #hosts: boolean

  constructor(routes: readonly RouteConfig[]) {
    for (const route of routes) {
      const prefixes = this.#byHost.get(route.host) ?? new Prefixes()
      prefixes.add(route.path.replace(/\/+$/, ''), route)
      this.#byHost.set(route.host, prefixes)
    }
    this.#hosts = [...this.#byHost.keys()].some((host) => host !== '*')
  }

  /**
   * The route of the most specific host that has one for the path, and there the one of the longest prefix. The host is as
   * `readAuthority` has it.
   */
  find(host: string, target: string): RouteConfig | undefined {
    return (this.#hosts ? this.#ofHost(host, target) : undefined) ?? this.#byHost.get('*')?.find(target)
  }

  #ofHost(host: string, target: string): RouteConfig | undefined {
    let found = this.#byHost.get(host)?.find(target)
    for (let dot = host.indexOf('.'); dot >= 0 && found === undefined; dot = host.indexOf('.', dot + 1)) {
      found = this.#byHost.get(`*${host.slice(dot)}`)?.find(target)
    }
    return found
  }
}

/** Routes of one host by path prefix. Only prefixes as long as one that there is are looked up. */
class Prefixes {
  readonly #routes = new Map<string, RouteConfig>()
  readonly #lengths: boolean[] = []
  #longest = 0

  /** The first of several with one prefix counts. */
  add(prefix: string, route: RouteConfig): void {
    if (this.#routes.has(prefix)) return
    this.#routes.set(prefix, route)
    this.#lengths[prefix.length] = true
    this.#longest = Math.max(this.#longest, prefix.length)
  }

  /** The route of the longest prefix of whole segments. */
  find(target: string): RouteConfig | undefined {
    const query = target.indexOf('?')
    let end = query < 0 ? target.length : query
    while (end >= 0) {
      const route = this.#lengths[end] === true ? this.#routes.get(target.slice(0, end)) : undefined
      if (route !== undefined) return route
      end = end === 0 ? -1 : target.lastIndexOf('/', Math.min(end - 1, this.#longest))
    }
    return undefined
  }
}
