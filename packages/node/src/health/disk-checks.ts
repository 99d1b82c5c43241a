import { failed } from './said.ts'
import type { Check, Found } from './warning.ts'

/** One warning, whatever waits; a node that cannot start for it is worse off. */
export const unwritable: Check = (facts) => {
  const { unwritten = [] } = facts
  const reasons = [...new Set(unwritten.map(({ reason }) => reason))]
  return [
    ...failed('FILE_UNWRITABLE')(facts).map(({ cause, remedy }): Found => ({ cause, remedy, severity: 'error' })),
    ...(reasons.length === 0 ? [] : [{ cause: reasons.join('; ') }]),
  ]
}

export const logUnwritable: Check = ({ log }) => {
  if (log?.failure === undefined) return []
  return [{ cause: log.lost === 0 ? log.failure : `${log.failure}; ${log.lost} lines are lost` }]
}
