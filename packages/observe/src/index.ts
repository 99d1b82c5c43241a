/** What happened: the log and the counters. */
export { type Count, Counters } from './counters.ts'
export { type LogLevel, logLevels } from './levels.ts'
export { createLog, type LogInit, type WrittenLog } from './log.ts'
