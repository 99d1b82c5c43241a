import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { defaultLimits, type RequestListener, Responder } from '@postern/exchange'
import { noMeter, type RequestHead, silentLog, type Trunk, type Trunks } from '@postern/protocol'
import { pipePair } from '@postern/protocol/testing'
import { eventually } from '@postern/test-kit'
import { type Ingress, startIngress } from '../src/index.ts'
import { ingressSchema } from '../src/schema.ts'

const deaf: RequestListener = { body() {}, end() {}, reset() {}, writable() {} }

/** A trunk to an egress that takes requests and never answers. */
function silentTrunk(name: string): { trunk: Trunk; responder: Responder } {
  const [near, far] = pipePair()
  const responder = new Responder(far, { accept: () => deaf })
  return { trunk: trunkOf(name, near), responder }
}

/** A trunk to an egress that answers each request with its content. */
function echoTrunk(name: string): { trunk: Trunk; responder: Responder } {
  const [near, far] = pipePair()
  const responder = new Responder(far, {
    accept(exchange, head: RequestHead) {
      exchange.respond({ status: 200, fields: [], backendUs: 0, end: head.end })
      return {
        ...deaf,
        body(piece) {
          exchange.write(Buffer.from(piece))
          exchange.consumed(piece.byteLength)
        },
        end: () => exchange.end(),
      }
    },
  })
  return { trunk: trunkOf(name, near), responder }
}

function trunkOf(egress: string, pipe: Trunk['pipe']): Trunk {
  return { egress, pipe, services: ['*'], path: [egress], retire() {} }
}

/** Hands out the first of the trunks that has not been tried. */
function inOrder(...trunks: readonly [Trunk, ...Trunk[]]): Trunks {
  return { get: (_service, { not }) => trunks.find((trunk) => not?.has(trunk) !== true) ?? trunks[0] }
}

const perConnection = 1000

function ingressOver(trunks: Trunks): Promise<Ingress> {
  const config = ingressSchema.parse({
    listen: [{ url: 'http://127.0.0.1:0' }],
    routes: [{ service: 'api', answerMs: 5000 }],
    limits: { exchangesPerConnection: perConnection, exchangesPerAddress: 10_000, exchangesPerService: 100_000 },
  })
  return startIngress({ config, trunks, log: silentLog, meter: noMeter })
}

const soon = () => AbortSignal.timeout(5000)

/** Sends so many requests, on as few connections as may carry them, and leaves them open. */
async function pipeline(url: string, count: number): Promise<{ close(): void }> {
  const sockets: Socket[] = []
  for (let left = count; left > 0; left -= perConnection) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(Math.min(left, perConnection)))
    sockets.push(socket)
  }
  return {
    close() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('a request that meets a trunk without room goes whole over another', async (context) => {
  const full = silentTrunk('full')
  const ingress = await ingressOver(inOrder(full.trunk, echoTrunk('free').trunk))
  context.after(() => ingress.close())
  const url = ingress.urls[0] ?? ''
  const open = await pipeline(url, defaultLimits.exchanges)
  context.after(() => open.close())
  await eventually('the first trunk is full', () => full.responder.size === defaultLimits.exchanges)
  assert.equal((await fetch(url, { signal: soon() })).status, 200)
  const response = await fetch(url, { method: 'POST', body: 'content', signal: soon() })
  assert.equal(response.status, 200)
  assert.equal(await response.text(), 'content')
})

test('requests that their client has left leave nothing behind', async (context) => {
  const silent = silentTrunk('silent')
  const ingress = await ingressOver(inOrder(silent.trunk))
  context.after(() => ingress.close())
  const open = await pipeline(ingress.urls[0] ?? '', 100)
  context.after(() => open.close())
  await eventually('all are under way', () => ingress.requests === 100 && silent.responder.size === 100)
  open.close()
  await eventually('none is under way', () => ingress.requests === 0 && silent.responder.size === 0)
})
