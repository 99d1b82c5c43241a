/** What happened: the log and the counters. */
export { Counters } from './counters.ts'
export { createLog, type LogInit, type LogLevel, logLevels } from './log.ts'
