import { type Transferable, Worker } from 'node:worker_threads'
import { Counters } from '@postern/observe'
import { type Meter, PosternError } from '@postern/protocol'
import { within } from '../deadline.ts'
import {
  type FromThread,
  type Outcome,
  startCall,
  type ThreadData,
  type ThreadState,
  type ToThread,
  valueOf,
} from './messages.ts'

const endMs = 1000
const ownThread = new URL(`./thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

type Called = Extract<ToThread, { readonly call: number }>
/** Each kind of call without its number. */
type Call = Called extends infer Each ? (Each extends Called ? Omit<Each, 'call'> : never) : never

export interface HandInit {
  readonly data: ThreadData
  readonly meter: Meter
  /** What runs in it, where that is not the thread beside. */
  readonly thread?: URL
}

/** One worker, as the main thread has it. */
export class Hand {
  /** Fulfilled when the thread has ended and nobody has asked it to. */
  readonly lost: Promise<PosternError>
  /** Hears what the thread says of trunks. */
  listener: (said: FromThread) => void = () => {}
  readonly counters = new Counters()
  readonly #worker: Worker
  readonly #meter: Meter
  readonly #exited: Promise<void>
  readonly #calls = new Map<number, (urls: Outcome<readonly string[]>) => void>()
  #state: ThreadState = idle
  #lastCall = startCall
  #ended: PosternError | undefined

  private constructor({ data, meter, thread = ownThread }: HandInit) {
    this.#meter = meter
    this.#worker = new Worker(thread, { workerData: data })
    this.#worker.on('message', (said: FromThread) => this.#hear(said))
    const lost = Promise.withResolvers<PosternError>()
    const exited = Promise.withResolvers<void>()
    this.lost = lost.promise
    this.#exited = exited.promise
    const end = (reason: string, cause?: unknown) => {
      if (this.#ended !== undefined) return
      this.#ended = new PosternError('WORKER_LOST', `a worker thread ended: ${reason}`, { cause })
      this.#state = idle
      const { code, message } = this.#ended
      for (const answer of this.#calls.values()) answer({ code, message, remedy: undefined })
      this.#calls.clear()
      lost.resolve(this.#ended)
    }
    this.#worker.on('error', (error) => end(error instanceof Error ? error.message : String(error), error))
    this.#worker.on('exit', (code) => {
      end(`exit code ${code}`)
      exited.resolve()
    })
  }

  /** Throws what the thread threw when it started. */
  static async start(init: HandInit): Promise<Hand> {
    const hand = new Hand(init)
    try {
      valueOf(await new Promise<Outcome<readonly string[]>>((resolve) => hand.#calls.set(startCall, resolve)))
      return hand
    } catch (error) {
      await hand.end()
      throw error
    }
  }

  get alive(): boolean {
    return this.#ended === undefined
  }

  /** What the thread last said of itself; nothing is under way in one that has ended. */
  get state(): ThreadState {
    return this.#state
  }

  say(said: ToThread, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(said, transfer)
  }

  /** Throws what the task threw there, or WORKER_LOST. What was counted until it was done is in `state` by then. */
  async call(call: Call): Promise<readonly string[]> {
    if (this.#ended !== undefined) throw this.#ended
    this.#lastCall += 1
    const number = this.#lastCall
    const answered = new Promise<Outcome<readonly string[]>>((resolve) => this.#calls.set(number, resolve))
    this.say({ ...call, call: number })
    return valueOf(await answered)
  }

  /** Lets the thread end by itself, what it still writes included, or ends it. */
  async end(): Promise<void> {
    this.#ended ??= new PosternError('STOPPED', 'the node stops')
    this.say({ type: 'end' })
    if (!(await within(endMs, this.#exited))) await this.#worker.terminate()
  }

  #hear(said: FromThread): void {
    if (said.type === 'answer') {
      this.#calls.get(said.call)?.(said.urls)
      this.#calls.delete(said.call)
    } else if (said.type === 'state') {
      this.#state = said.state
      for (const [name, label, by] of said.counts) {
        this.counters.count(name, label, by)
        this.#meter.count(name, label, by)
      }
    } else this.listener(said)
  }
}

const idle: ThreadState = { requests: 0, exchanges: 0, services: [] }
