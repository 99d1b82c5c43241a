import { usualGraceMs } from '@postern/identity'
import type { Met } from './link/membership.ts'
import type { MeshInit } from './mesh.ts'

/**
 * Whom a credential that has ended lets come: to a relay those who want to ask an authority, by a relay or an authority a
 * relay that cannot dial the authority itself, and to an authority over a circuit whoever asks.
 */
export function graceOf({
  authority,
  graceMs = usualGraceMs,
  relay,
}: Pick<MeshInit, 'authority' | 'graceMs' | 'relay'>): (met: Met) => number {
  const linked = relay !== undefined || authority !== undefined ? graceMs : 0
  const circled = authority === undefined ? 0 : graceMs
  return ({ called, onCircuit }) => (onCircuit ? (called ? circled : 0) : linked)
}
