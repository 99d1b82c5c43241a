import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Octets that may pass between two collections of young objects. */
const betweenBytes = 1024 * 1024

/**
 * The young generation doubles until it has this size. In a smaller one, what a few hundred exchanges hold is taken for
 * old, and collecting it costs as much as the exchanges; without an end, it takes 48 MB.
 */
const youngBytes = 16 * 1024 * 1024

/** A node through which less than {@link betweenBytes} pass in such a time is quiet. */
const quietMs = 10_000

/**
 * Buffers outlive their exchanges where those are broken off, since what is collected young is soon taken for old. V8
 * lets 64 MB of them come together; memory once taken for buffers stays with the process.
 */
const heldBytes = 24 * 1024 * 1024

/** Buffers of a quiet node that are more than this are what a burst has left behind. */
const leftBytes = 16 * 1024 * 1024

/**
 * While a node is quiet, V8 would take its heap apart and forget the code it has compiled: the first seconds of the next
 * load would cost a fifth more.
 */
const ready = ['--memory-reducer-gc-count=0', '--no-flush-bytecode']

/**
 * Hears of the octets that a node passes on, and frees the buffers they came in. A buffer lies outside the heap until
 * the small object that holds it is collected, and a young generation has room for gigabytes of such objects. That
 * generation shrinks now and then, and is to grow again afterwards. Buffers whose objects have become old are freed when
 * there are many, and once the node is quiet: little else would collect those.
 */
export class Nursery {
  readonly #collect: (how: { readonly type: 'minor' | 'major' }) => void
  readonly #bounded: boolean
  /** Octets in buffers above which old ones are looked through too: twice what was found to be needed. */
  #mostHeld = heldBytes
  #wasFull = false
  #passed = 0
  #busy = false
  #wasBusy = false
  #timer: NodeJS.Timeout | undefined

  /** The growth of young generations is set for all threads of the process: where there are others, it has no bound. */
  constructor({ threads }: { readonly threads: number }) {
    for (const flag of ['--expose-gc', ...ready]) setFlagsFromString(flag)
    this.#collect = runInNewContext('gc')
    this.#bounded = threads === 0
    this.#bound()
  }

  readonly passed = (bytes: number): void => {
    this.#passed += bytes
    if (this.#passed < betweenBytes) return
    this.#passed = 0
    this.#busy = true
    setImmediate(this.#collectPassed)
  }

  /** From here on it looks after what has become old, until it is stopped. */
  start(): void {
    this.#timer = setInterval(() => this.#tidy(), quietMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  readonly #collectPassed = (): void => {
    const full = !this.#wasFull && held() > this.#mostHeld
    this.#collect({ type: full ? 'major' : 'minor' })
    // What a full collection has freed is counted by the next.
    if (this.#wasFull) this.#mostHeld = Math.max(heldBytes, 2 * held())
    this.#wasFull = full
    this.#bound()
  }

  #bound(): void {
    const grows = !this.#bounded || youngSize() < youngBytes
    setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`)
  }

  #tidy(): void {
    const fellQuiet = this.#wasBusy && !this.#busy
    if (fellQuiet && held() > leftBytes) this.#collect({ type: 'major' })
    this.#wasBusy = this.#busy
    this.#busy = false
  }
}

/** Octets in buffers, those among them that nobody needs any more. */
function held(): number {
  return process.memoryUsage().arrayBuffers
}

function youngSize(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
}
