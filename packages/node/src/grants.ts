import { type Member, permits } from '@postern/identity'
import { excerpt, nearest, PosternError } from '@postern/protocol'
import { type Config, rolesOf } from './config.ts'

/**
 * A role, or a service, that the credential does not grant would be refused by every other node: said before anything
 * starts. Throws CREDENTIAL_REFUSED.
 */
export function checkGrants(config: Config, { credential }: Member): void {
  const remedy = 'ask the authority for a credential that grants it: postern mesh issue'
  for (const role of rolesOf(config)) {
    if (permits(credential, role)) continue
    throw new PosternError('CREDENTIAL_REFUSED', `the credential does not grant the role ${role}`, { remedy })
  }
  for (const [role, services] of [
    ['egress', Object.keys(config.egress?.services ?? {})],
    ['ingress', config.ingress?.routes.map(({ service }) => service) ?? []],
  ] as const) {
    for (const service of services) {
      if (permits(credential, role, service)) continue
      const near = nearest(service, credential.services)
      throw new PosternError('CREDENTIAL_REFUSED', `the credential does not cover the service ${excerpt(service)}`, {
        remedy: near === undefined ? remedy : `did you mean ${near}? Else ${remedy}`,
      })
    }
  }
}
