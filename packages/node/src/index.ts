/** A node: a config becomes roles, and roles a running process. */
export { type NodeInit, type PosternNode, startNode } from './build.ts'
export { type Config, configJsonSchema, configSchema, rolesOf } from './config.ts'
export { ConfigError, type ConfigSources, checkConfig, type Finding, loadConfig } from './config-file.ts'
export { idle, within } from './deadline.ts'
export { type StarterInit, starterConfig } from './starter.ts'
export { type NodeStatus, readiness } from './status.ts'
export { type TraceStep, traceService } from './trace.ts'
