import { reasonOf } from '@postern/protocol'
import { destination } from 'pino'

type Destination = ReturnType<typeof destination>

/** Lines that wait while the place of the log takes none; more are lost, and counted. */
const maxWaiting = 2 ** 20
const retryMs = 1000

/** Where lines go, and whether they get there. */
export interface LogFile {
  readonly stream: Destination
  /** Why nothing can be written now; undefined while lines are written. */
  readonly failure: string | undefined
  /** Lines that were lost. */
  readonly lost: number
}

/**
 * A file descriptor that takes lines of a log. What cannot be written, because the disk is full or the terminal is gone,
 * waits and is tried again; it costs no more than the lines themselves.
 */
export function logFile(fd: number): LogFile {
  const stream = destination({ fd, sync: false, maxLength: maxWaiting })
  let failure: string | undefined
  let lost = 0
  let retry: NodeJS.Timeout | undefined
  stream.on('drop', () => {
    lost += 1
  })
  stream.on('write', () => {
    failure = undefined
  })
  stream.on('error', (error: unknown) => {
    failure = reasonOf(error)
    // An empty line part is what makes the stream try again.
    retry ??= setTimeout(() => {
      retry = undefined
      stream.write('')
    }, retryMs).unref()
  })
  // Run at the exit of the process, where an error would change the exit code.
  const flush = stream.flushSync.bind(stream)
  stream.flushSync = () => {
    try {
      flush()
    } catch (error) {
      failure = reasonOf(error)
    }
  }
  return {
    stream,
    get failure() {
      return failure
    },
    get lost() {
      return lost
    },
  }
}
