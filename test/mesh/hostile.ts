import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import {
  type Backend,
  backendOf,
  type Conduct,
  eventually,
  HostileRelay,
  type KitMesh,
  type KitNode,
  meshOf,
} from '@postern/test-kit'

/** A request as a client sends it, or as the backend saw it. */
interface Request {
  readonly method: string
  readonly id: string
  readonly body: string
}

interface Outcome extends Request {
  /** `right`, or the code of the failure that the client was told of. */
  readonly end: string
}

export interface Entering {
  /** Time for the head of an answer. */
  readonly answerMs?: number
  readonly entries?: 'all' | 'good'
}

const fillerBytes = 3000

/** Two good relays and a hostile one, two egresses linked to all three, and an ingress that comes when it is asked to. */
export class Field implements AsyncDisposable {
  readonly mesh: KitMesh
  readonly relay: HostileRelay
  /** What has reached the backend. */
  readonly seen: readonly Request[]
  /** Where the hostile relay would answer from if somebody took it for an egress. */
  readonly invention: Backend
  readonly outcomes: Outcome[] = []
  /** Trunks that an ingress opens to each egress: of so many some will go over every relay. */
  readonly trunks = 4
  readonly #stack: AsyncDisposableStack
  #ingress: KitNode | undefined
  #entered = 0

  private constructor(parts: Pick<Field, 'mesh' | 'relay' | 'seen' | 'invention'>, stack: AsyncDisposableStack) {
    this.mesh = parts.mesh
    this.relay = parts.relay
    this.seen = parts.seen
    this.invention = parts.invention
    this.#stack = stack
  }

  /** With what the hostile relay does while the egresses come. */
  static async of(conduct: Conduct = {}): Promise<Field> {
    await using stack = new AsyncDisposableStack()
    const seen: Request[] = []
    const answer: RequestListener = (request, response) =>
      void text(request).then((body) => {
        const asked = { method: request.method ?? '', id: (request.url ?? '').slice(1), body }
        seen.push(asked)
        response.end(answerTo(asked))
      })
    const backend = stack.use(await backendOf(answer))
    const invention = stack.use(await backendOf((_request, response) => response.end('an invention')))
    const relays: HostileRelay[] = []
    const mesh = await meshOf({
      relays: 2,
      ingresses: 0,
      egresses: 2,
      backends: [backend.url],
      async besideRelays(authority) {
        const relay = stack.use(await HostileRelay.start({ authority, conduct, backend: invention.url }))
        relays.push(relay)
        return relay.addresses
      },
    })
    stack.use(mesh)
    const [relay] = relays as [HostileRelay]
    const registered = ({ node }: KitNode) => node.status().egress?.guards?.registered === 3
    await eventually('every relay guards both egresses', () => mesh.egresses.every(registered))
    return new Field({ mesh, relay, seen, invention }, stack.move())
  }

  /**
   * A new ingress comes in the place of the one before, with entries that it had chosen earlier: all three relays unless
   * said otherwise. From now on the hostile relay does as it is told.
   */
  async enter(conduct: Conduct, { answerMs = 10_000, entries = 'all' }: Entering = {}): Promise<void> {
    this.relay.conduct = conduct
    void this.#ingress?.node.stop()
    const good = this.mesh.relays.map(({ node }) => node.status().relay?.addresses ?? [])
    const relays = entries === 'good' ? good : [this.relay.addresses, ...good]
    const listen = [{ url: 'http://127.0.0.1:0' }]
    const config = { ingress: { listen, routes: [{ service: 'api', answerMs }], path: { trunks: this.trunks } } }
    this.#entered += 1
    this.#ingress = await this.mesh.add(`ingress-${this.#entered}`, 'ingress', config, ['api'], (folder) =>
      writeFileSync(join(folder, 'state', 'entries.json'), JSON.stringify(relays.map(choiceOf))),
    )
  }

  get ingress(): KitNode {
    if (this.#ingress === undefined) throw new Error('no ingress has come yet')
    return this.#ingress
  }

  /** Waits until the ingress has all its trunks. */
  async settled(): Promise<void> {
    const services = () => this.ingress.node.status().ingress?.services ?? []
    const trunks = () => services().flatMap(({ egresses }) => egresses.map((each) => each.trunks))
    await eventually('all trunks are open', () => String(trunks()) === String([this.trunks, this.trunks]))
  }

  /** Clients of the ingress, several at a time, send requests that may be sent again and others that may not. */
  async ask(count = 5): Promise<void> {
    const url = this.ingress.node.status().ingress?.urls[0] ?? ''
    const lane = async () => {
      for (let sent = 0; sent < count; sent++) {
        const body = `${randomUUID()}${'.'.repeat(fillerBytes)}`
        for (const asked of [
          { method: 'GET', id: randomUUID(), body: '' },
          { method: 'POST', id: randomUUID(), body },
        ])
          this.outcomes.push({ ...asked, end: await endOf(url, asked) })
      }
    }
    await Promise.all([lane(), lane(), lane()])
  }

  /** Ingresses come, one in the place of another, until something has come about: the ways of a single one may all be good. */
  async enterUntil(what: string, happened: () => boolean, conduct: Conduct, entering?: Entering): Promise<void> {
    await eventually(what, async () => {
      await this.enter(conduct, entering)
      await this.ask(2)
      return happened()
    })
  }

  /** How requests ended that did not end well. */
  failed(): string[] {
    return this.outcomes.map(({ end }) => end).filter((end) => end !== 'right')
  }

  /**
   * Holds what no relay may change: an answer is the right one or a failure with a code, the backend saw what clients sent
   * and nothing else, each request that may not be sent again once at most, and nobody heard of an invention.
   */
  holds(): void {
    const codes = new Set(this.outcomes.map(({ end }) => end))
    for (const code of codes) assert.match(code, /^(right|broken off|[A-Z_]+)$/)
    const sent = new Map(this.outcomes.map((outcome) => [outcome.id, outcome]))
    const times = new Map<string, number>()
    for (const { body, id, method } of this.seen) {
      const asked = sent.get(id)
      assert.deepEqual({ method, body }, { method: asked?.method, body: asked?.body })
      times.set(id, (times.get(id) ?? 0) + 1)
    }
    for (const { end, id, method } of this.outcomes) {
      const reached = times.get(id) ?? 0
      if (end === 'right') assert.ok(reached >= 1, 'an answer without a request')
      if (method === 'POST') assert.ok(reached <= 1, 'sent twice')
    }
    assert.equal(this.invention.requests, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

function choiceOf(addresses: readonly string[]) {
  const [, peer = ''] = addresses[0]?.split('/p2p/') ?? []
  return { peer, addresses: addresses.map((address) => address.split('/p2p/')[0]), lastSeenMs: Date.now() }
}

/** Each octet of it depends on the request. */
function answerTo({ body, id, method }: Request): string {
  return createHash('sha256').update(`${method} ${id} ${body}`).digest('hex').repeat(100)
}

async function endOf(url: string, asked: Request): Promise<string> {
  const { body, id, method } = asked
  const response = await fetch(`${url}/${id}`, { method, ...(body === '' ? {} : { body }) })
  const answer = await response.text().catch(() => undefined)
  if (answer === undefined) return 'broken off'
  if (response.status === 200) return answer === answerTo(asked) ? 'right' : `wrong: ${answer}`
  return (JSON.parse(answer) as { code: string }).code
}
