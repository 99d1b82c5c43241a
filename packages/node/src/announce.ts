import { type Authority, passingMember } from '@postern/identity'
import { type Announced, announce } from '@postern/mesh'
import { Counters, createLog } from '@postern/observe'

/** Tells the mesh of the authority's newest bulletin. */
export async function announceBulletin(authority: Authority): Promise<Announced> {
  const member = await passingMember(authority)
  return await announce({
    member,
    clock: authority.clock,
    log: createLog({ level: 'silent', node: 'authority', fd: 2 }),
    meter: new Counters(),
  })
}
