import type { Meter } from '@postern/protocol'

/** Labels that one name may have; what a stranger makes up beyond is counted under `other`. */
const maxLabels = 64

/** Name, label, and by how much it has grown. */
export type Count = readonly [name: string, label: string, by: number]

/** Counters in memory, by name and label. */
export class Counters implements Meter {
  readonly #counts = new Map<string, Map<string, number>>()

  count(name: string, label = '', by = 1): void {
    let labels = this.#counts.get(name)
    if (labels === undefined) {
      labels = new Map()
      this.#counts.set(name, labels)
    }
    const key = labels.has(label) || labels.size < maxLabels ? label : 'other'
    labels.set(key, (labels.get(key) ?? 0) + by)
  }

  /** All counts: the name, with its label in braces where it has one. */
  snapshot(): Record<string, number> {
    const out: Record<string, number> = {}
    for (const [name, labels] of this.#counts) {
      for (const [label, count] of labels) out[label === '' ? name : `${name}{${label}}`] = count
    }
    return out
  }

  /** All counts, which start anew. */
  take(): Count[] {
    const taken = [...this.#counts].flatMap(([name, labels]) =>
      [...labels].map(([label, by]): Count => [name, label, by]),
    )
    this.#counts.clear()
    return taken
  }
}
