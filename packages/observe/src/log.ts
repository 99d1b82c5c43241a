import { excerpt, type Fields, type Log } from '@postern/protocol'
import { pino } from 'pino'
import type { LogLevel } from './levels.ts'
import { LogFile } from './log-file.ts'

export interface LogInit {
  readonly level: LogLevel
  /** Name of the node, in every line. */
  readonly node: string
  /** File descriptor to write to. */
  readonly fd: number
}

/** Characters of one field; what others say may be longer. */
const longestField = 600
/** Of a stack, which is our own. */
const longestStack = 4000

/** Fields without texts that are longer than a line should be. */
function fitting(fields: Fields): Fields {
  const long = Object.entries(fields).filter(([, value]) => isLong(value))
  if (long.length === 0) return fields
  return { ...fields, ...Object.fromEntries(long.map(([key, value]) => [key, cut(value, key)])) }
}

function isLong(value: unknown): boolean {
  if (typeof value === 'string') return value.length > longestField
  return Array.isArray(value) && value.some(isLong)
}

function cut(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => cut(each, key))
  const most = key === 'stack' ? longestStack : longestField
  return typeof value === 'string' && value.length > most ? excerpt(value, most) : value
}

/** A log that knows whether its lines are written. */
export type WrittenLog = Log & Pick<LogFile, 'failure' | 'lost'>

/** A log of one JSON line an event: `time` (ISO 8601), `level`, `node`, `event`, and the fields of the event. */
export function createLog(init: LogInit): WrittenLog {
  const file = new LogFile(init.fd)
  const lines = pino(
    {
      level: init.level,
      base: { node: init.node },
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    file,
  )
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: Fields = {}) => {
      if (lines.isLevelEnabled(level))
        lines[level](fitting(fields), isLong(event) ? excerpt(event, longestField) : event)
    }
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
