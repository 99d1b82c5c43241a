/**
 * The end of a turn of the event loop, in order: what exchanges say is gathered first, then what circuits say,
 * then what links say, so that everything of one turn leaves in one message and one write.
 */
export const rank = { trunk: 0, circuit: 1, link: 2 } as const
type Rank = (typeof rank)[keyof typeof rank]

const queues: Array<Array<() => void>> = [[], [], []]
let scheduled = false
let running = false
let turns = 0

/** Runs the task once at the end of this turn; a task of a lower rank runs before one of a higher rank. */
export function atEndOfTurn(at: Rank, task: () => void): void {
  queues[at]?.push(task)
  if (!scheduled) {
    scheduled = true
    setImmediate(run)
  }
}

/** Tells one turn in which something was said from the next. */
export function turnNumber(): number {
  return turns
}

/** Does now what waits for the end of this turn, unless that is what is being done. */
export function endTurn(): void {
  if (!running) run()
}

function run(): void {
  scheduled = false
  running = true
  turns += 1
  try {
    for (let at = 0; at < queues.length; at++) {
      const tasks = queues[at]
      if (tasks === undefined || tasks.length === 0) continue
      queues[at] = []
      for (const task of tasks) task()
    }
  } finally {
    running = false
  }
}
