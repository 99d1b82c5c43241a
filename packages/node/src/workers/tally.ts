import type { Meter } from '@postern/protocol'
import type { Count } from './messages.ts'

/** What was counted since it was last taken. */
export class Tally implements Meter {
  readonly #counts = new Map<string, Map<string, number>>()

  count(name: string, label = '', by = 1): void {
    let labels = this.#counts.get(name)
    if (labels === undefined) {
      labels = new Map()
      this.#counts.set(name, labels)
    }
    labels.set(label, (labels.get(label) ?? 0) + by)
  }

  take(): Count[] {
    const taken = [...this.#counts].flatMap(([name, labels]) =>
      [...labels].map(([label, by]): Count => [name, label, by]),
    )
    this.#counts.clear()
    return taken
  }
}
