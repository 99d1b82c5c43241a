import { ExchangeState, type ExchangeTools } from './exchange-state.ts'
import { IdTable } from './id-table.ts'

/** The exchanges that are open on a trunk. */
export class ExchangeTable {
  readonly #tools: ExchangeTools
  readonly #states = new IdTable<ExchangeState>()

  constructor(tools: ExchangeTools) {
    this.#tools = tools
  }

  get size(): number {
    return this.#states.size
  }

  get(id: number): ExchangeState | undefined {
    return this.#states.get(id)
  }

  has(id: number): boolean {
    return this.#states.has(id)
  }

  add(id: number, headBytes: number): ExchangeState {
    const state = new ExchangeState(id, headBytes, this.#tools)
    this.#states.set(id, state)
    this.#tools.held.add(state.held)
    return state
  }

  remove(state: ExchangeState): void {
    this.#states.delete(state.id)
    this.#tools.held.add(-state.held)
    state.window.release()
  }

  /** The exchange that holds most. */
  heaviest(): ExchangeState | undefined {
    let heaviest: ExchangeState | undefined
    for (const state of this.#states.values()) if (state.held > (heaviest?.held ?? 0)) heaviest = state
    return heaviest
  }
}
