import timers from 'node:timers'
import type { Stream } from '@libp2p/interface'

/** A circuit that passes on here. */
export interface BufferedCircuit {
  /** The neighbour that opened it. */
  readonly account: string
  /** Octets that have come and not gone on. */
  bytes(): number
  /** Ends it. */
  drop(): void
}

export interface RelayBuffersInit {
  /** Octets that all circuits may hold together. */
  readonly maxBytes: number
  /** Told of each circuit that was ended. */
  readonly dropped: () => void
}

const lookMs = 250

/** Octets that wait in streams, to be read from them or to be sent on them. */
export function heldBy(...streams: ReadonlyArray<Pick<Stream, 'readBufferLength' | 'writeBufferLength'>>): number {
  return streams.reduce((sum, { readBufferLength, writeBufferLength }) => sum + readBufferLength + writeBufferLength, 0)
}

/**
 * What circuits hold of a relay's memory while those at their ends do not read: the window of each is bounded, the sum by
 * a ceiling. Beyond it the heaviest circuit of the neighbour that has most ends, and so on until all is within it.
 */
export class RelayBuffers {
  readonly #init: RelayBuffersInit
  readonly #circuits = new Set<BufferedCircuit>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: RelayBuffersInit) {
    this.#init = init
  }

  /** Counts a circuit until it is removed. */
  add(circuit: BufferedCircuit): void {
    this.#circuits.add(circuit)
    this.#timer ??= timers.setInterval(() => this.look(), lookMs).unref()
  }

  remove(circuit: BufferedCircuit): void {
    this.#circuits.delete(circuit)
    if (this.#circuits.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Looks once, and ends what is over the ceiling. */
  look(): void {
    const held = [...this.#circuits].map((circuit) => ({ circuit, bytes: circuit.bytes() }))
    let sum = held.reduce((total, { bytes }) => total + bytes, 0)
    if (sum <= this.#init.maxBytes) return
    const accounts = new Map<string, number>()
    for (const { bytes, circuit } of held) accounts.set(circuit.account, (accounts.get(circuit.account) ?? 0) + bytes)
    held.sort((one, other) => one.bytes - other.bytes)
    while (sum > this.#init.maxBytes && held.length > 0) {
      const [most] = [...accounts].reduce((one, other) => (other[1] > one[1] ? other : one))
      const at = held.findLastIndex(({ circuit }) => circuit.account === most)
      const [heaviest] = held.splice(at, 1)
      if (heaviest === undefined) return
      sum -= heaviest.bytes
      accounts.set(most, (accounts.get(most) ?? 0) - heaviest.bytes)
      this.#circuits.delete(heaviest.circuit)
      heaviest.circuit.drop()
      this.#init.dropped()
    }
  }
}
