/** What runs in a worker: the side of the node that faces clients, the side that faces backends, or both. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Egress } from '@postern/egress'
import type { Ingress } from '@postern/ingress'
import { Counters, createLog } from '@postern/observe'
import { systemClock } from '@postern/protocol'
import { type FromThread, outcomeOf, startCall, type ThreadData, type ThreadState, type ToThread } from './messages.ts'
import { PortPipe } from './port-pipe.ts'
import { RemoteTrunks } from './remote-trunks.ts'

const reportMs = 100

const data = workerData as ThreadData
const counters = new Counters()
const tools = { log: createLog(data.log), meter: counters, clock: systemClock }
const say = (said: FromThread) => parentPort?.postMessage(said)
const trunks = new RemoteTrunks(say)
/** What callers may call now, by the numbers of their trunks. */
const covered = new Map<number, readonly string[]>()
const sides: { ingress?: Ingress; egress?: Egress } = {}
let reported = ''

// A remote must not be able to end the node; what gets here is a defect, and is said to be one.
process.on('uncaughtException', (error) => {
  counters.count('defects')
  tools.log.error('defect', { reason: error.message, stack: error.stack })
})

function report(): void {
  const state: ThreadState = {
    requests: sides.ingress?.requests ?? 0,
    exchanges: sides.egress?.exchanges ?? 0,
    services: sides.egress?.describe() ?? [],
  }
  const counts = counters.take()
  const text = JSON.stringify(state)
  if (counts.length === 0 && text === reported) return
  reported = text
  say({ type: 'state', state, counts })
}

/** Does what is called for, and answers when all that was counted until then has been reported. */
async function answer(call: number, task: () => readonly string[] | Promise<readonly string[]>): Promise<void> {
  const urls = await outcomeOf(task)
  report()
  say({ type: 'answer', call, urls })
}

function hear(said: ToThread): void {
  switch (said.type) {
    case 'listen':
      return void answer(said.call, async () => {
        const { startIngress } = await import('@postern/ingress')
        sides.ingress = await startIngress({ config: said.config, sharing: said.sharing, trunks, ...tools })
        return sides.ingress.urls
      })
    case 'drain':
      return void answer(said.call, () => {
        sides[said.side]?.drain()
        return []
      })
    case 'close':
      return void answer(said.call, async () => {
        await sides[said.side]?.close()
        return []
      })
    case 'open':
      return trunks.open(said.offers, said.trunks)
    case 'found':
      return trunks.found(said.search, said.trunk)
    case 'accept': {
      const { caller, port, trunk } = said
      covered.set(trunk, caller.services)
      return sides.egress?.accept(new PortPipe(port), {
        peer: caller.peer,
        name: caller.name,
        get services() {
          return covered.get(trunk) ?? []
        },
      })
    }
    case 'caller':
      return void covered.set(said.trunk, said.services)
    case 'gone':
      return void covered.delete(said.trunk)
    case 'end':
      clearInterval(timer)
      report()
      return parentPort?.close()
  }
}

const timer = setInterval(report, reportMs)
await answer(startCall, async () => {
  if (data.egress === undefined) return []
  const { createEgress } = await import('@postern/egress')
  sides.egress = createEgress({ config: data.egress, ...tools })
  return []
})
parentPort?.on('message', hear)
