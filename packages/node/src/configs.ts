/** Configs of nodes, without the parts that run them: who only reads one loads a fraction of the code. */
export { type Config, configJsonSchema, configSchema, rolesOf } from './config.ts'
export { ConfigError, type ConfigSources, checkConfig, type Finding, loadConfig } from './config-file.ts'
export { type StarterInit, starterConfig } from './starter.ts'
