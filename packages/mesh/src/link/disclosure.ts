import { permits } from '@postern/identity'
import { type Credential, overlap } from '@postern/protocol'

/**
 * Whether one end of a circuit names its services to the other: an egress to an ingress that calls it, and an ingress to
 * an egress that may offer what the ingress may call. Nobody else needs them to decide anything.
 */
export function names(own: Credential, other: Credential, called: boolean): boolean {
  if (called) return permits(own, 'egress') && permits(other, 'ingress')
  return permits(own, 'ingress') && permits(other, 'egress') && overlap(own.services, other.services)
}
