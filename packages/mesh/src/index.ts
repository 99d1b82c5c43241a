/** The mesh: links between members, the directory, circuits, and the trunks that exchanges run on. */
export { type Announced, announce } from './announce.ts'
export { type FaultKind, type LinkFault, type RelayStatus } from './fault.ts'
export { type RelayAddresses } from './host.ts'
export { type Mesh, type MeshInit, type MeshStatus, type PeerStatus, startMesh } from './mesh.ts'
export { type Choice, type ChoiceStore } from './neighbours.ts'
export { type ProbeInit, probeRelays, relaysToProbe } from './probe.ts'
export { type TracedHop } from './trace.ts'
