/** What tests stand on: `await using mesh = await meshOf({ relays: 3, ingresses: 1, egresses: 1, backends: [url] })`. */

export { makeKnock } from '@postern/mesh/testing'
export { knockHeadSize, maxKnockPadding } from '@postern/protocol'
export { type Backend, backendOf } from './backend.ts'
export type { Conduct, Way } from './conduct.ts'
export { type Direct, type DirectOrder, directOf } from './direct.ts'
export { eventually } from './eventually.ts'
export { HostileRelay } from './hostile-relay.ts'
export { type KitMesh, type KitNode, type MeshOrder, meshOf } from './mesh.ts'
export { type Pried, type PryOrder, pry } from './pry.ts'
export { type RawMember, rawInvited, rawMember, rawOf } from './raw-member.ts'
export { type Steadily, steadily } from './steadily.ts'
