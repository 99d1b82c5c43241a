import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Claim, FairQueue, type Hold } from '../src/backend/fair-queue.ts'

class Asked implements Claim {
  readonly name: string
  readonly ingress: string
  readonly client: string
  whole: boolean

  /** `i1/c1/3`: ingress, client, number; `?` behind it for content that is not whole. */
  constructor(name: string) {
    const [ingress = '', client = ''] = name.split('/')
    this.name = name
    this.ingress = ingress
    this.client = client
    this.whole = !name.endsWith('?')
  }
}

const limits = { waiting: 4, perClient: 2, open: 1, openPerClient: 1 }

function waiting(names: readonly string[], given = limits): FairQueue<Asked> {
  const queue = new FairQueue<Asked>(given)
  for (const name of names) assert.equal(queue.add(new Asked(name)), undefined, name)
  return queue
}

/** Serves all that wait and may be, each of which keeps its connection. */
function served(queue: FairQueue<Asked>): string[] {
  const names: string[] = []
  for (let next = queue.next(); next !== undefined; next = queue.next()) {
    names.push(next.name)
    queue.hold(next)
  }
  return names
}

test('who holds the fewest connections is served first: of the ingresses, then of the clients of one', () => {
  const queue = waiting(['i1/a/1', 'i1/a/2', 'i1/b/1', 'i2/a/1'])
  assert.deepEqual(served(queue), ['i1/a/1', 'i2/a/1', 'i1/b/1', 'i1/a/2'])
})

test('requests of one client are served in their order', () => {
  const queue = waiting(['i/a/1', 'i/a/2?', 'i/a/3', 'i/a/4'], { ...limits, perClient: 9 })
  assert.deepEqual(served(queue), ['i/a/1', 'i/a/2?', 'i/a/3', 'i/a/4'])
})

test('no client holds more than its share, and what it lets go is for the next', () => {
  const queue = new FairQueue<Asked>(limits)
  const holds = ['i/a/1', 'i/a/2'].map((name) => queue.hold(new Asked(name)))
  assert.equal(queue.admits(new Asked('i/a/3')), false)
  assert.equal(queue.admits(new Asked('i/b/1')), true)
  for (const name of ['i/a/3', 'i/b/1']) queue.add(new Asked(name))
  assert.equal(queue.ready(9), 1)
  assert.deepEqual(served(queue), ['i/b/1'])
  holds[0]?.release()
  assert.equal(queue.ready(9), 1)
  assert.deepEqual(served(queue), ['i/a/3'])
})

test('requests whose content is not whole leave connections for the others, until it is', () => {
  const queue = new FairQueue<Asked>(limits)
  const hold = queue.hold(new Asked('i/a/1?'))
  const slow = new Asked('i/b/1?')
  assert.equal(queue.admits(slow), false)
  queue.add(slow)
  queue.add(new Asked('i/c/1'))
  assert.deepEqual(served(queue), ['i/c/1'])
  slow.whole = true
  queue.settle(slow)
  assert.deepEqual(served(queue), ['i/b/1?'])
  queue.add(new Asked('i/d/1?'))
  assert.deepEqual(served(queue), [])
  hold.settle()
  assert.deepEqual(served(queue), ['i/d/1?'])
})

test('when no more may wait, whoever has the most waiting gives up its newest, and nobody gives up for itself', () => {
  const queue = waiting(['i1/a/1', 'i1/a/2', 'i1/a/3', 'i1/b/1'])
  assert.equal(queue.add(new Asked('i2/a/1'))?.name, 'i1/a/3')
  assert.equal(queue.add(new Asked('i1/a/4'))?.name, 'i1/a/4')
  assert.equal(queue.add(new Asked('i1/c/1'))?.name, 'i1/a/2')
  assert.equal(queue.add(new Asked('i1/d/1'))?.name, 'i1/d/1')
  assert.equal(queue.size, 4)
  const alone = waiting(['i1/a/1', 'i1/a/2', 'i1/a/3', 'i1/a/4'])
  assert.equal(alone.add(new Asked('i1/b/1'))?.name, 'i1/a/4')
  assert.equal(alone.add(new Asked('i1/a/5'))?.name, 'i1/a/5')
})

test('whatever is asked and let go, no bound is passed, none waits where it could be served, and nothing is lost', () => {
  const name = fc.tuple(fc.constantFrom('i1', 'i2', 'i3'), fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', '?'))
  const step = fc.oneof(
    name.map((parts) => ({ ask: parts })),
    fc.nat().map((release) => ({ release })),
    fc.nat().map((settle) => ({ settle })),
    fc.nat().map((leave) => ({ leave })),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const connections = 5
      const queue = new FairQueue<Asked>(limits)
      const held = new Map<Asked, Hold>()
      const queued = new Set<Asked>()
      const pick = <T>(from: Iterable<T>, at: number) => [...from].at(at % Math.max(1, [...from].length))
      for (const [at, each] of steps.entries()) {
        if ('ask' in each) {
          const [ingress, client, open] = each.ask
          const asked = new Asked(`${ingress}/${client}/${at}${open}`)
          queued.add(asked)
          const refused = queue.add(asked)
          if (refused !== undefined) assert.ok(queued.delete(refused))
        } else if ('release' in each) {
          const asked = pick(held.keys(), each.release)
          if (asked !== undefined) held.get(asked)?.release()
          if (asked !== undefined) held.delete(asked)
        } else if ('settle' in each) {
          const asked = pick(queued, each.settle)
          if (asked !== undefined) {
            asked.whole = true
            queue.settle(asked)
          }
        } else {
          const asked = pick(queued, each.leave)
          if (asked !== undefined) assert.equal(queue.delete(asked), queued.delete(asked))
        }
        while (held.size < connections) {
          const ready = queue.ready(1)
          const next = queue.next()
          assert.equal(ready, next === undefined ? 0 : 1)
          if (next === undefined) break
          assert.ok(queued.delete(next))
          held.set(next, queue.hold(next))
        }
        assert.equal(queue.size, queued.size)
        assert.ok(queue.size <= limits.waiting)
        for (const one of held.keys()) {
          const alike = [...held.keys()].filter((other) => one.ingress === other.ingress && one.client === other.client)
          assert.ok(alike.length <= limits.perClient)
        }
        assert.ok([...held.keys()].filter(({ whole }) => !whole).length <= limits.open)
      }
    }),
  )
})
