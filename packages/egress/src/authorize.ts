import type { Permit } from '@postern/policy'
import { type Caller, covers, PosternError, type RequestHead } from '@postern/protocol'
import type { Service } from './service.ts'
import { type Upgrade, upgradeOf } from './upgrade.ts'

/** A request that may reach the backend: its ingress may call the service, and the service exposes it. */
export interface Authorized {
  readonly caller: Caller
  readonly head: RequestHead
  readonly service: Service
  readonly permit: Permit
  readonly upgrade: Upgrade | undefined
}

/**
 * Looks at every exchange, whatever the ingress says it has checked. Throws CALLER_REFUSED, ROUTE_UNKNOWN (no such
 * service here), NOT_EXPOSED, or what `upgradeOf` throws.
 */
export function authorize(caller: Caller, head: RequestHead, services: ReadonlyMap<string, Service>): Authorized {
  if (!covers(caller.services, head.service))
    throw new PosternError('CALLER_REFUSED', 'the credential of the ingress does not cover the service')
  const service = services.get(head.service)
  if (service === undefined) throw new PosternError('ROUTE_UNKNOWN', 'no such service here')
  const permit = service.exposure.permit(head.method, head.target)
  if (permit === undefined) throw new PosternError('NOT_EXPOSED', 'not among what the service exposes')
  return { caller, head, service, permit, upgrade: upgradeOf(head, permit.rule) }
}
