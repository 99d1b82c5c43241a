/** What happened: the log and the counters. */
export { Counters } from './counters.ts'
export { type LogLevel, logLevels } from './levels.ts'
export { createLog, type LogInit } from './log.ts'
