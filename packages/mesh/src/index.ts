/** The mesh: links between members, the directory, circuits, and the trunks that exchanges run on. */
export { type Announced, announce } from './announce.ts'
export { type Admit } from './enrol.ts'
export { type RelayAddresses } from './host.ts'
export { type JoinInit, join } from './join.ts'
export { defaultRelayLimits, leastBulletinsPerMinute, leastPerSecond, type RelayLimits } from './limits/relay-limits.ts'
export { type Mesh, type MeshInit, type MeshStatus, type PeerStatus, startMesh } from './mesh.ts'
export { type Choice, type ChoiceStore } from './neighbours.ts'
export { type TracedHop } from './trace.ts'
