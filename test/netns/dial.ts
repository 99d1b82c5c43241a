import { connect } from 'node:net'
import { json } from 'node:stream/consumers'

export interface Call {
  readonly host: string
  readonly port: number
  /** What is said once connected, in hex. */
  readonly says: string
  readonly withinMs: number
  /** Hang up as soon as something is heard. */
  readonly once?: boolean
}

export interface Outcome {
  readonly connected: boolean
  /** Octets that came back. */
  readonly heard: number
  /** When the other side ended the connection; undefined when it did not in time. */
  readonly endedMs?: number
  readonly error?: string
}

/** Somebody who tries a TCP port, as a program: calls on standard input, all made at once; outcomes on standard output. */
function call({ host, once, port, says, withinMs }: Call): Promise<Outcome> {
  return new Promise((resolve) => {
    const startMs = performance.now()
    let connected = false
    let heard = 0
    let error: string | undefined
    const socket = connect(port, host)
    const over = (endedMs?: number) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ connected, heard, ...(endedMs !== undefined && { endedMs }), ...(error !== undefined && { error }) })
    }
    const timer = setTimeout(over, withinMs)
    socket.on('connect', () => {
      connected = true
      socket.write(Buffer.from(says, 'hex'))
    })
    socket.on('data', (octets) => {
      heard += octets.length
      if (once === true) over()
    })
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      error = cause.code ?? cause.message
    })
    socket.on('close', () => over(performance.now() - startMs))
  })
}

if (import.meta.main) {
  const calls = (await json(process.stdin)) as readonly Call[]
  process.stdout.write(JSON.stringify(await Promise.all(calls.map(call))))
}
