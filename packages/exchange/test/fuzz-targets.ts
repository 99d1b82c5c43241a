import assert from 'node:assert/strict'
import {
  encodeFrame,
  encodeNumberFrame,
  exchangeFailures,
  FrameReader,
  frameType,
  type RequestHead,
  type ResponseHead,
  writeRequestHead,
  writeResponseHead,
} from '@postern/protocol'
import { piecesOf, smallCuts, type Target } from '../../../test/fuzz/target.ts'
import { headFrame } from '../src/head-frame.ts'
import { requestHead, responseHead } from './heads.ts'
import { type Actor, actorOf } from './playbook.ts'

type Side = 'initiator' | 'responder'

/** Low enough to be reached. */
const limits = { exchanges: 3, growthBytes: 128 * 1024, queueBytes: 128 * 1024, controlBytes: 4096 }
/** More than a first credit. */
const much = Buffer.alloc(100_000)
/** Exchanges that an initiator has opened before it hears anything. */
const opened = 2

function actor(side: Side): Actor {
  const made = actorOf(side, limits)
  if (side === 'initiator') for (let id = 1; id <= opened; id++) made.machine.request(requestHead({ end: false }))
  return made
}

/** What is said but for content, whose pieces are as the octets were cut, and the content. */
function hear(side: Side, pieces: readonly Uint8Array[]): { said: string[]; content: string[] } {
  const { heard, machine, said } = actor(side)
  for (const piece of pieces) machine.receive(piece)
  return {
    said: said.filter((line) => !line.startsWith('body ')),
    content: Array.from(heard, ([id, octets]) => `${id} ${octets.toString('hex')}`),
  }
}

/** Does to each exchange all that its owner may do, open or not. */
function useAll({ heard, machine }: Actor): void {
  for (let id = 1; id <= 2 * limits.exchanges; id++) {
    machine.consumed(id, heard.get(id)?.length ?? 0)
    machine.interim(id, responseHead({ status: 103 }))
    machine.respond(id, responseHead())
    machine.write(id, much)
    machine.end(id, ['x-sum', '42'])
  }
  machine.goaway()
}

/** That what a machine has to say is a trunk. */
function speaksFrames({ machine }: Actor): void {
  const reader = new FrameReader({
    frame() {},
    body() {},
    violation: (detail) => assert.fail(`said what is no trunk: ${detail}`),
  })
  while (machine.pending) for (const chunk of machine.pull(64 * 1024)) reader.push(chunk)
}

function read(side: Side, octets: Uint8Array): boolean {
  const whole = hear(side, [octets])
  const cut = hear(side, piecesOf(octets, smallCuts(octets)))
  assert.deepEqual(cut.said, whole.said)
  const violation = whole.said.findIndex((line) => line.startsWith('violation'))
  assert.ok(violation < 0 || violation === whole.said.length - 1, 'nothing follows a violation')
  if (violation < 0) assert.deepEqual(cut.content, whole.content)

  const owner = actor(side)
  owner.machine.receive(octets)
  assert.ok(owner.machine.size <= limits.exchanges)
  useAll(owner)
  owner.machine.receive(octets)
  speaksFrames(owner)
  return violation < 0
}

const requestFrame = (id: number, head: Partial<RequestHead>) =>
  headFrame(frameType.REQUEST, id, requestHead(head), writeRequestHead) ?? assert.fail()
const responseFrame = (id: number, head: Partial<ResponseHead>, type: 2 | 3 = frameType.RESPONSE) =>
  headFrame(type, id, responseHead(head), writeResponseHead) ?? assert.fail()
const body = (id: number, bytes: number) => encodeFrame(frameType.BODY, id, Buffer.alloc(bytes, 'x'))
const end = (id: number) => encodeFrame(frameType.END, id, Buffer.alloc(0))
const credit = (id: number, bytes: number) => encodeNumberFrame(frameType.CREDIT, id, bytes, 4)
const reset = (id: number) => encodeNumberFrame(frameType.RESET, id, exchangeFailures.CANCELLED.wire, 2)
const ping = encodeFrame(frameType.PING, 0, Buffer.alloc(8, 1))

const seeds: Readonly<Record<Side, readonly Uint8Array[]>> = {
  responder: [
    [requestFrame(1, { fields: ['accept', '*/*'] }), credit(1, 65_536), ping],
    [requestFrame(1, { method: 'POST', end: false }), body(1, 10), body(1, 20_000), end(1)],
    [1, 2, 3, 4].map((id) => requestFrame(id, { end: false })),
    [requestFrame(3, { end: false }), reset(3), body(3, 5), end(3), requestFrame(9, {})],
  ].map((list) => Buffer.concat(list)),
  initiator: [
    [
      responseFrame(1, { status: 103 }, frameType.INTERIM),
      responseFrame(1, { fields: ['x-a', 'b'] }),
      body(1, 9),
      end(1),
    ],
    [responseFrame(2, { end: true }), credit(1, 100_000), ping, encodeFrame(frameType.PONG, 0, Buffer.alloc(8))],
    [responseFrame(1, { status: 101 }), body(1, 20_000), reset(1), body(1, 5), reset(2)],
    [encodeNumberFrame(frameType.GOAWAY, 0, 1, 4), responseFrame(1, {}), end(1)],
  ].map((list) => Buffer.concat(list)),
}

export const exchangeTargets: readonly Target[] = (['initiator', 'responder'] as const).map((side) => ({
  name: `machine-${side}`,
  maxBytes: 192 * 1024,
  whole: false,
  open: () => ({ seeds: seeds[side], read: (octets) => read(side, octets) }),
}))
