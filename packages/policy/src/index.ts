/** What a service demands of a request before it may reach the backend. */
export { compileExposure, type Exposure, type Permit } from './expose.ts'
export { type ExposeRule, exposeRuleSchema, exposeSchema } from './schema.ts'
