/** Where clients arrive: HTTP listeners, routes to services, and the calls that carry requests into the mesh. */
export { type Ingress, type IngressInit, servicesOf, startIngress } from './pipeline.ts'
export { type IngressConfig, ingressSchema } from './schema.ts'
