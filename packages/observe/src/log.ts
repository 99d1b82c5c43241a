import type { Fields, Log } from '@postern/protocol'
import { pino } from 'pino'
import type { LogLevel } from './levels.ts'
import { type LogFile, logFile } from './log-file.ts'

export interface LogInit {
  readonly level: LogLevel
  /** Name of the node, in every line. */
  readonly node: string
  /** File descriptor to write to. */
  readonly fd: number
}

/** A log that knows whether its lines are written. */
export type WrittenLog = Log & Pick<LogFile, 'failure' | 'lost'>

/** A log of one JSON line an event: `time` (ISO 8601), `level`, `node`, `event`, and the fields of the event. */
export function createLog(init: LogInit): WrittenLog {
  const file = logFile(init.fd)
  const lines = pino(
    {
      level: init.level,
      base: { node: init.node },
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    file.stream,
  )
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: Fields = {}) =>
      lines[level](fields, event)
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    get failure() {
      return file.failure
    },
    get lost() {
      return file.lost
    },
  }
}
