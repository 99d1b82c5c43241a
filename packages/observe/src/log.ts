import type { Fields, Log } from '@postern/protocol'
import { destination, pino } from 'pino'
import type { LogLevel } from './levels.ts'

export interface LogInit {
  readonly level: LogLevel
  /** Name of the node, in every line. */
  readonly node: string
  /** File descriptor to write to. */
  readonly fd: number
}

/** A log of one JSON line an event: `time` (ISO 8601), `level`, `node`, `event`, and the fields of the event. */
export function createLog(init: LogInit): Log {
  const lines = pino(
    {
      level: init.level,
      base: { node: init.node },
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    destination({ fd: init.fd, sync: false }),
  )
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: Fields = {}) =>
      lines[level](fields, event)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
