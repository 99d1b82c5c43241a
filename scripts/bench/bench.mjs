import { scenarios } from './scenarios.mjs'
import { Workshop } from './workshop.mjs'

/** Runs scenarios one after the other, each in a workshop of its own. */
export class Bench {
  #context
  #workshop
  #stopped = false

  /** `context` is `{ options, tools, progress }`. */
  constructor(context) {
    this.#context = context
  }

  /**
   * Runs the scenarios that the options ask for, and yields what came of each: `{ name, data, block }`, or
   * `{ name, error }` where one failed, which keeps no other from running. Never settles once it was stopped.
   */
  async run() {
    const found = []
    for (const { groups, name, run } of plan(this.#context.options.only)) found.push(await this.#one(name, run, groups))
    return found
  }

  /** Ends the processes of what is running, and starts no more. */
  async stop() {
    this.#stopped = true
    await this.#workshop?.close()
  }

  async #one(name, run, groups) {
    const workshop = new Workshop()
    this.#workshop = workshop
    const { progress } = this.#context
    progress.name = name
    try {
      const bench = { ...this.#context, workshop }
      const { block, data } = await Promise.race([run(bench, groups), workshop.died])
      this.#complain(name, 'the nodes of the mesh logged warnings, the last of them', workshop.logs('mesh-'))
      return { name, data, block }
    } catch (error) {
      if (this.#stopped) return new Promise(() => {})
      this.#complain(name, `failed: ${error.message}`, workshop.logs('') || ' ')
      return { name, error: error.message }
    } finally {
      await workshop.close()
    }
  }

  #complain(name, what, logs) {
    if (logs === '') return
    this.#context.progress.end()
    process.stderr.write(`${name}: ${what}\n${logs}\n`)
  }
}

/** What is run for these names: those of one comparison are run together, under the name of the first. */
function plan(names) {
  const chosen = scenarios.filter(({ name }) => names.includes(name))
  return [...new Set(chosen.map(({ run }) => run))].map((run) => {
    const groups = chosen.filter((each) => each.run === run).map(({ name }) => name)
    return { name: groups[0], groups, run }
  })
}
