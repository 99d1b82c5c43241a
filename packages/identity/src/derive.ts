import { createHmac } from 'node:crypto'
import type { ServiceId, ServiceName } from '@postern/protocol'

/** What an authority registers as at its guards; no service has such a name. */
export const authorityService: ServiceName = '.authority'

/** What stands for a service wherever a relay or the DHT may look. */
export function serviceIdOf(secret: Buffer, service: ServiceName): ServiceId {
  return createHmac('sha256', secret).update(`postern service 1 ${service}`).digest('hex')
}

/** The secret with which one who is invited knocks until a time, in ms: of no use after it, and not the mesh's. */
export function inviteSecretOf(secret: Buffer, untilMs: number): Buffer {
  return createHmac('sha256', secret).update(`postern invite 1 ${untilMs}`).digest()
}

/**
 * The key that masks knocks. It opens no door: whoever holds it, as the invited do, can tell what is a knock and what
 * is not, and needs a secret beside it to make one.
 */
export function knockMaskOf(secret: Buffer): Buffer {
  return createHmac('sha256', secret).update('postern knock mask 1').digest()
}
