import {
  type ExchangeFailureCode,
  encodeFrame,
  encodeNumberFrame,
  type FieldLines,
  FrameReader,
  type FrameType,
  failureOfWire,
  frameType,
  OctetReader,
  PosternError,
  type RequestHead,
  type ResponseHead,
  readRequestHead,
  readResponseHead,
  readTrailers,
  writeRequestHead,
  writeResponseHead,
} from '@postern/protocol'
import { type Held, unlimited } from './buffer-budget.ts'
import { GrowthBudget, queueShare } from './credit.ts'
import type { ExchangeState, QueueOwner } from './exchange-state.ts'
import { ExchangeTable } from './exchange-table.ts'
import { endFrame, headFrame } from './head-frame.ts'
import { defaultLimits, type MachineEvents, type MachineLimits } from './machine-events.ts'
import { Outbox } from './outbox.ts'

/**
 * One end of a trunk as a pure machine: octets and commands in, events and octets out. No socket, no timer. It never
 * throws on input; what is no trunk ends in `violation`.
 */
export class Machine implements QueueOwner {
  readonly #initiator: boolean
  readonly #limits: MachineLimits
  readonly #events: MachineEvents
  readonly #reader: FrameReader
  readonly #outbox: Outbox
  readonly #exchanges: ExchangeTable
  #lastId = 0
  #refuseAbove = Number.POSITIVE_INFINITY
  #broken = false

  constructor(
    side: 'initiator' | 'responder',
    events: MachineEvents,
    limits: MachineLimits = defaultLimits,
    held: Held = unlimited,
  ) {
    this.#outbox = new Outbox({ ...limits, held, wake: () => events.wake(), full: (detail) => this.#violate(detail) })
    this.#exchanges = new ExchangeTable({ held, growth: new GrowthBudget(limits.growthBytes), owner: this })
    this.#initiator = side === 'initiator'
    this.#events = events
    this.#limits = limits
    this.#reader = new FrameReader({
      frame: (type, id, payload) => {
        if (!this.#broken) this.#frameReaders[type]?.(id, payload)
      },
      body: (id, piece) => this.#body(id, piece),
      violation: (detail) => this.#violate(detail),
    })
  }

  /** Exchanges open now. */
  get size(): number {
    return this.#exchanges.size
  }

  get queueBytes(): number {
    return queueShare(this.#limits.queueBytes, this.size)
  }

  /** What is known of an exchange that is open. */
  open(id: number): Pick<ExchangeState, 'queued'> | undefined {
    return this.#exchanges.get(id)
  }

  get pending(): boolean {
    return this.#outbox.pending
  }

  /** Heads and other control frames that wait to be pulled. */
  get controlFrames(): number {
    return this.#outbox.controlFrames
  }

  receive(chunk: Uint8Array): void {
    if (!this.#broken) this.#reader.push(chunk)
  }

  /** Frames to send, worth at least `bytes` or all there are. */
  pull(bytes: number): Uint8Array[] {
    return this.#outbox.pull(bytes)
  }

  /** Opens an exchange (initiator) and answers with its id. Throws HEAD_TOO_LARGE; then nothing was opened. */
  request(head: RequestHead): number {
    const id = this.#lastId + 1
    const frame = headFrame(frameType.REQUEST, id, head, writeRequestHead)
    if (frame === undefined) throw new PosternError('HEAD_TOO_LARGE', 'the head does not fit into a frame')
    this.#lastId = id
    const state = this.#exchanges.add(id, frame.byteLength)
    this.#outbox.control(frame)
    if (head.end) this.#ended(state, 'localEnded')
    return id
  }

  /** An interim response that does not fit into a frame is left out. */
  interim(id: number, head: ResponseHead): void {
    if (this.#exchanges.has(id)) this.#sendHead(frameType.INTERIM, id, head)
  }

  /** False when the head does not fit into a frame; then nothing was sent. */
  respond(id: number, head: ResponseHead): boolean {
    const state = this.#exchanges.get(id)
    if (state === undefined) return true
    if (!this.#sendHead(frameType.RESPONSE, id, head)) return false
    if (head.end) this.#ended(state, 'localEnded')
    return true
  }

  #sendHead(type: FrameType, id: number, head: ResponseHead): boolean {
    const frame = headFrame(type, id, head, writeResponseHead)
    if (frame !== undefined) this.#outbox.control(frame)
    return frame !== undefined
  }

  /** Queues content; the machine owns the chunk from then on. False asks to wait for `writable`. */
  write(id: number, chunk: Uint8Array): boolean {
    const state = this.#exchanges.get(id)
    if (state === undefined || state.localEnded || state.ending !== undefined) return true
    if (chunk.byteLength === 0) return true
    const more = state.push(chunk)
    if (this.#exchanges.get(id) !== state) return true
    this.#outbox.addBody(state)
    this.#events.wake()
    return more
  }

  /** Ends this direction after the queued content. */
  end(id: number, trailers: FieldLines = []): void {
    const state = this.#exchanges.get(id)
    if (state === undefined || state.localEnded || state.ending !== undefined) return
    state.ending = trailers
    if (state.queued === 0) this.#sendEnd(state)
  }

  /** Ends the exchange in both directions at once; what was queued is dropped. */
  reset(id: number, code: ExchangeFailureCode): void {
    const state = this.#exchanges.get(id)
    if (state === undefined) return
    this.#remove(state)
    this.#outbox.reset(id, code)
  }

  /** The owner has done with this much of the content it was told of. */
  consumed(id: number, bytes: number): void {
    const state = this.#exchanges.get(id)
    if (state === undefined || state.remoteEnded) return
    const grant = state.consumed(bytes)
    if (grant === 0) return
    this.#outbox.control(encodeNumberFrame(frameType.CREDIT, id, grant, 4))
  }

  /** Refuses exchanges after those that are open, so that they may be sent elsewhere. */
  goaway(): void {
    this.#refuseAbove = this.#lastId
    this.#outbox.control(encodeNumberFrame(frameType.GOAWAY, 0, this.#lastId, 4))
  }

  /** Eight octets that the other side returns. */
  ping(opaque: Uint8Array): void {
    this.#outbox.control(encodeFrame(frameType.PING, 0, opaque))
  }

  queueEmptied(state: ExchangeState): void {
    if (state.ending !== undefined) this.#sendEnd(state)
  }

  queueDrained(state: ExchangeState): void {
    this.#events.writable(state.id)
  }

  /** Ends the exchange that holds most, in both directions; the trunk where what waits to be said is more. */
  shed(): void {
    const heaviest = this.#exchanges.heaviest()
    if (heaviest === undefined || heaviest.held < this.#outbox.controlBytes)
      this.#violate('more waits for it than there is room for')
    else {
      this.reset(heaviest.id, 'BUFFERS_FULL')
      this.#events.reset(heaviest.id, 'BUFFERS_FULL')
    }
  }

  #remove(state: ExchangeState): void {
    this.#outbox.removeBody(state)
    this.#exchanges.remove(state)
  }

  #sendEnd(state: ExchangeState): void {
    this.#outbox.control(endFrame(state.id, state.ending ?? []))
    this.#ended(state, 'localEnded')
  }

  #ended(state: ExchangeState, side: 'localEnded' | 'remoteEnded'): void {
    state[side] = true
    if (!state.localEnded || !state.remoteEnded || !this.#exchanges.has(state.id)) return
    this.#remove(state)
    this.#events.over(state.id)
  }

  #violate(detail: string): void {
    if (this.#broken) return
    this.#broken = true
    this.#outbox.close()
    this.#events.violation(detail)
  }

  readonly #frameReaders: Partial<Record<FrameType, (id: number, payload: Buffer) => void>> = {
    [frameType.REQUEST]: (id, payload) => this.#request(id, payload),
    [frameType.INTERIM]: (id, payload) => this.#response(id, payload, true),
    [frameType.RESPONSE]: (id, payload) => this.#response(id, payload, false),
    [frameType.END]: (id, payload) => this.#end(id, payload),
    [frameType.CREDIT]: (id, payload) => this.#credit(id, payload.readUInt32BE(0)),
    [frameType.RESET]: (id, payload) => this.#reset(id, new OctetReader(payload).u16()),
    [frameType.GOAWAY]: (_, payload) => this.#goaway(payload.readUInt32BE(0)),
    [frameType.PING]: (_, payload) => this.#outbox.control(encodeFrame(frameType.PONG, 0, payload)),
    [frameType.PONG]: (_, payload) => this.#events.pong(payload),
  }

  #request(id: number, payload: Buffer): void {
    if (this.#initiator || id <= this.#lastId) return this.#violate('a request out of place')
    this.#lastId = id
    const head = readRequestHead(payload)
    if (head === undefined) return this.#outbox.reset(id, 'MALFORMED_REQUEST')
    if (id > this.#refuseAbove) return this.#outbox.reset(id, 'DRAINING')
    if (this.#exchanges.size >= this.#limits.exchanges) return this.#outbox.reset(id, 'BUSY')
    const state = this.#exchanges.add(id, payload.byteLength)
    state.remoteEnded = head.end
    if (this.#exchanges.has(id)) this.#events.request(id, head)
  }

  #response(id: number, payload: Buffer, interim: boolean): void {
    const state = this.#known(id)
    if (state === undefined) return
    const head = readResponseHead(payload)
    if (!this.#initiator || state.answered || head === undefined) return this.#violate('a response out of place')
    if (interim !== (head.status < 200 && head.status !== 101)) return this.#violate('a response of the wrong kind')
    if (interim) return this.#events.interim(id, head)
    state.answered = true
    this.#events.response(id, head)
    if (head.end) this.#ended(state, 'remoteEnded')
  }

  #body(id: number, piece: Uint8Array): void {
    const state = this.#broken ? undefined : this.#known(id)
    if (state === undefined) return
    if (state.remoteEnded || (this.#initiator && !state.answered)) return this.#violate('content out of place')
    if (!state.arrived(piece.byteLength)) return this.#violate('content beyond the credit')
    if (this.#exchanges.get(id) === state) this.#events.body(id, piece)
  }

  #end(id: number, payload: Buffer): void {
    const state = this.#known(id)
    if (state === undefined) return
    const trailers = readTrailers(payload)
    if (state.remoteEnded || trailers === undefined || (this.#initiator && !state.answered)) {
      return this.#violate('an end out of place')
    }
    this.#events.end(id, trailers)
    this.#ended(state, 'remoteEnded')
  }

  #credit(id: number, bytes: number): void {
    const state = this.#known(id)
    if (state === undefined) return
    if (!state.credit.grant(bytes)) return this.#violate('credit beyond reason')
    this.#outbox.addBody(state)
    if (state.sendable > 0) this.#events.wake()
  }

  #reset(id: number, wire: number): void {
    const state = this.#known(id)
    if (state === undefined) return
    this.#remove(state)
    this.#events.reset(id, failureOfWire(wire))
  }

  #goaway(lastId: number): void {
    if (!this.#initiator) return this.#violate('only a responder goes away')
    this.#events.goaway(lastId)
  }

  /** The state of an open exchange; frames for one that is over are late and say nothing, one never opened is a violation. */
  #known(id: number): ExchangeState | undefined {
    const state = this.#exchanges.get(id)
    if (state === undefined && id > this.#lastId) this.#violate('an exchange that was never opened')
    return state
  }
}
