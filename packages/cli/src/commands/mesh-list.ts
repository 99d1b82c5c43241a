import { resolve } from 'node:path'
import type { Listed } from '@postern/identity'
import { Command } from 'commander'
import { damagedRegister } from '../damaged-register.ts'
import { withJson } from '../options.ts'
import { print, short, table } from '../output.ts'

export function listCommand(): Command {
  return withJson(new Command('list'))
    .description(
      'who was issued or invited, has joined, was renewed or revoked, and until when each credential is good',
    )
    .option('--authority <folder>', 'folder of the authority', '.')
    .addHelpText(
      'after',
      `
Example:
  postern mesh list --authority authority

States: invited (nobody has used the invite), member, ending (another key takes its place), expired, revoked.
LAST SEEN is when the authority last answered the node: as it joined, renewed or replaced its key. A node whose folder was
issued, and that has not renewed yet, was never seen; whether a node runs now, its own \`postern status\` says.
Times are UTC.`,
    )
    .action(async (options: { authority: string; json?: true }) => {
      const { listIssued, loadAuthority } = await import('@postern/identity')
      const { nodes, unreadable } = listIssued(await loadAuthority(resolve(options.authority)))
      print(options.json, { nodes, unreadable }, () => `${sheetOf(nodes)}${damagedRegister(unreadable)}`)
    })
}

const head = ['NAME', 'ROLES', 'STATE', 'ISSUED', 'JOINED', 'RENEWED', 'EXPIRES', 'REVOKED', 'LAST SEEN', 'PEER']

function sheetOf(nodes: readonly Listed[]): string {
  if (nodes.length === 0) return 'nothing was issued yet'
  return table(
    head,
    nodes.map(({ expires, issued, joined, lastSeen, name, peer, renewed, revoked, roles, state }) => [
      name,
      roles.join(','),
      state,
      ...[issued, joined, renewed, expires, revoked].map(minuteOf),
      lastSeen === undefined && peer !== undefined ? 'never' : minuteOf(lastSeen),
      peer === undefined ? '-' : short(peer),
    ]),
  )
}

/** `2026-11-25 07:12` */
function minuteOf(time: string | undefined): string {
  return time === undefined ? '-' : time.slice(0, 16).replace('T', ' ')
}
