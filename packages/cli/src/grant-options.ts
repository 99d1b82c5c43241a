import type { Grant } from '@postern/identity'
import { excerpt, isServicePattern, nearest, PosternError, type Role, roles } from '@postern/protocol'
import { type Command, Option } from 'commander'
import { collect, duration } from './options.ts'

export interface GrantOptions {
  readonly authority: string
  readonly role: readonly string[]
  readonly service: readonly string[]
  readonly name?: string
  readonly life: number
}

/** What a node is granted; the same for a folder that is issued and for an invite, but for how long. */
export function withGrant(command: Command, usualLife: { readonly text: string; readonly why: string }): Command {
  return command
    .requiredOption('--role <role>', `${roles.join(', ')}; may be given several times`, collect, [])
    .option(
      '--service <pattern>',
      'service the node may offer or call, * for any, ab-* for a prefix; may be given several times',
      collect,
      [],
    )
    .option('--name <name>', 'name of the node (default: its first role)')
    .option('--authority <folder>', 'folder of the authority', '.')
    .addOption(
      new Option('--life <duration>', `how long the credential is valid; ${usualLife.why}`)
        .argParser(duration)
        .default(duration(usualLife.text), usualLife.text),
    )
}

/** Throws USAGE. */
export function grantOf({ life, name, role, service }: GrantOptions): Grant {
  const granted = role.map(roleOf)
  if (granted.length === 0)
    throw new PosternError('USAGE', 'a node needs a role', { remedy: `choose among ${roles.join(', ')}: --role relay` })
  for (const pattern of service) {
    if (isServicePattern(pattern)) continue
    throw new PosternError('USAGE', `${excerpt(pattern)} is no service pattern`, {
      remedy: 'use a DNS label, a prefix like ab-*, or *',
    })
  }
  return { name: checkName(name ?? granted[0] ?? 'node'), roles: granted, services: service, lifeMs: life }
}

/** Throws USAGE. */
export function checkName(name: string): string {
  if (!/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u.test(name))
    throw new PosternError('USAGE', 'a name has 1 to 64 characters, on one line', { remedy: 'choose another name' })
  return name
}

function roleOf(text: string): Role {
  const role = roles.find((known) => known === text)
  const near = nearest(text, roles)
  if (role === undefined)
    throw new PosternError('USAGE', `there is no role ${excerpt(text)}`, {
      remedy: near === undefined ? `choose among ${roles.join(', ')}` : `did you mean ${near}?`,
    })
  return role
}
