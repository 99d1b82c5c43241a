import { egressTargets } from '../../packages/egress/test/fuzz-targets.ts'
import { exchangeTargets } from '../../packages/exchange/test/fuzz-targets.ts'
import { enrolmentTargets } from '../../packages/identity/test/fuzz-enrolment.ts'
import { identityTargets } from '../../packages/identity/test/fuzz-targets.ts'
import { ingressTargets } from '../../packages/ingress/test/fuzz-targets.ts'
import { meshTargets } from '../../packages/mesh/test/fuzz-targets.ts'
import { nodeTargets } from '../../packages/node/test/fuzz-targets.ts'
import { protocolTargets } from '../../packages/protocol/test/fuzz-targets.ts'
import type { Target } from './target.ts'

/** Every reader of what a stranger may write. */
export const targets: readonly Target[] = [
  ...protocolTargets,
  ...exchangeTargets,
  ...identityTargets,
  ...enrolmentTargets,
  ...meshTargets,
  ...egressTargets,
  ...ingressTargets,
  ...nodeTargets,
]
