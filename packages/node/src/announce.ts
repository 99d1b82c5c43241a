import { type Authority, passingMember } from '@postern/identity'
import { type Announced, announce } from '@postern/mesh'
import { Counters, createLog } from '@postern/observe'
import { type Clock, systemClock } from '@postern/protocol'

/** Tells the mesh of the authority's newest list of revocations. Throws what reading the authority's folder throws. */
export async function announceRevocations(
  authority: Authority,
  sealed: string,
  clock: Clock = systemClock,
): Promise<Announced> {
  const member = await passingMember(authority, sealed, clock)
  return await announce({
    member,
    clock,
    log: createLog({ level: 'silent', node: 'authority', fd: 2 }),
    meter: new Counters(),
  })
}
