import * as credential from './credential-checks.ts'
import { row, type WarningRow } from './warning.ts'

/** Rows of the registry about what the authority makes known, and what it keeps. */
export const bulletinRows = {
  REGISTER_DAMAGED: row(
    'warning',
    'Lines of the register of the authority cannot be read.',
    'bring back what they said from a copy of issued.jsonl, or remove them; until then what was issued there is revoked by its peer id alone, and no revocation leaves the bulletin',
    credential.registerDamaged,
  ),
  AUTHORITY_SILENT: row(
    'warning',
    'The authority has not been heard for long: who was revoked since may not be known here.',
    'see that a node of the role authority runs and is linked; if it is, some relays withhold what it says: have others',
    credential.silent,
  ),
  BULLETIN_WITHHELD: row(
    'warning',
    'A bulletin came from the far end of a circuit, and no relay had passed it on.',
    'ask the operators of the relays that are named whether they have the bulletin (`postern status`); revoke one that nobody answers for, and have more relays',
    credential.withheld,
  ),
} as const satisfies Readonly<Record<string, WarningRow>>
