/** The side of the mesh beside the backend: authorizes exchanges, sends them on, and answers. */
export { createEgress, type Egress, type EgressInit } from './pipeline.ts'
export { type EgressConfig, egressSchema, type ServiceConfig, serviceSchema } from './schema.ts'
