// Children of a script end with it: a signal that reaches the script alone is passed on to the child it waits for.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const lookMs = 500
let child
let asked

/** From now on signals, and the end of the npm that runs the script, end the child first and then the script. */
export function follow() {
  // A terminal sends a signal to the whole group: the child has it twice then, which it has to bear.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop(signal))
  process.on('SIGHUP', () => stop('SIGTERM'))
  if (process.env.npm_lifecycle_event === undefined) return
  // npm runs the script itself (`exec`), and does not pass on every signal; one that is killed passes on none.
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) stop('SIGTERM')
  }, lookMs).unref()
}

/** Runs a command to its end; the exit code, and what it said where `options.stdio` has pipes. */
export function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const said = []
    const started = spawn(command, args, options)
    child = started
    for (const stream of [started.stdout, started.stderr]) stream?.on('data', (piece) => said.push(piece))
    started.on('error', reject)
    started.on('close', (code, signal) => {
      child = undefined
      const ended = code ?? 128 + (constants.signals[signal] ?? 0)
      // Nothing further is to be started.
      if (asked !== undefined) process.exit(ended)
      resolve({ code: ended, said: Buffer.concat(said).toString() })
    })
  })
}

function stop(signal) {
  asked = signal
  if (child === undefined) process.exit(128 + constants.signals[signal])
  child.kill(signal)
}
