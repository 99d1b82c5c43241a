import { join, resolve } from 'node:path'
import { isServicePattern, PosternError, type Role, roles } from '@postern/protocol'
import { Command } from 'commander'
import { collect, duration, withJson } from '../options.ts'
import { print, sheet } from '../output.ts'

export function meshCommand(): Command {
  return new Command('mesh')
    .description('found a mesh and issue credentials for its nodes')
    .addCommand(create())
    .addCommand(issue())
}

function create(): Command {
  return withJson(new Command('create'))
    .description('found a mesh: authority key, mesh secret and mesh file')
    .argument('<name>', 'name of the mesh')
    .option('--dir <folder>', 'folder of the authority; keep it offline', '.')
    .addHelpText('after', '\nExample:\n  postern mesh create acme --dir authority')
    .action(async (name: string, options: { dir: string; json?: true }) => {
      checkName(name)
      const { createAuthority } = await import('@postern/identity')
      const { folder, mesh } = await createAuthority(resolve(options.dir), name)
      print(
        options.json,
        { mesh: mesh.id, name: mesh.name, dir: folder },
        () =>
          `mesh ${name} is founded\n${sheet([
            ['id', mesh.id],
            ['authority', folder],
          ])}\n\n` +
          `Next: postern mesh issue --authority ${options.dir} --role relay --name relay-1 --bootstrap /dns4/HOST/tcp/4001 --out relay-1`,
      )
    })
}

interface IssueOptions {
  readonly authority: string
  readonly role: readonly string[]
  readonly service: readonly string[]
  readonly name?: string
  readonly out: string
  readonly life: number
  readonly bootstrap: readonly string[]
  readonly json?: true
}

function issue(): Command {
  return withJson(new Command('issue'))
    .description('make a node folder: key, credential, mesh file and a starter config; works offline')
    .requiredOption('--out <folder>', 'folder to make; it holds a private key, so carry it as a secret')
    .requiredOption('--role <role>', `${roles.join(', ')}; may be given several times`, collect, [])
    .option(
      '--service <pattern>',
      'service the node may offer or call, * for any, ab-* for a prefix; may be given several times',
      collect,
      [],
    )
    .option('--name <name>', 'name of the node (default: its first role)')
    .option('--authority <folder>', 'folder of the authority', '.')
    .option('--life <duration>', 'how long the credential is valid: 90d, 24h', duration, duration('90d'))
    .option(
      '--bootstrap <multiaddr>',
      'for a relay: where others will reach it; nodes issued later start from there',
      collect,
      [],
    )
    .addHelpText(
      'after',
      '\nExample:\n  postern mesh issue --role egress --service billing --name egress-1 --out egress-1',
    )
    .action(async (options: IssueOptions) => {
      const granted = options.role.map(roleOf)
      if (granted.length === 0)
        throw new PosternError('USAGE', 'a node needs a role', {
          remedy: `choose among ${roles.join(', ')}: --role relay`,
        })
      checkName(options.name ?? '-')
      for (const address of options.bootstrap) checkAddress(address)
      for (const service of options.service) {
        if (!isServicePattern(service))
          throw new PosternError('USAGE', `${service} is no service pattern`, {
            remedy: 'use a DNS label, a prefix like ab-*, or *',
          })
      }
      const { addBootstrap, fileNames, issueNode, loadAuthority, writeNewFile } = await import('@postern/identity')
      const { starterConfig } = await import('@postern/node')
      const authority = await loadAuthority(resolve(options.authority))
      const name = options.name ?? granted[0] ?? 'node'
      const folder = resolve(options.out)
      const order = { name, roles: granted, services: options.service, lifeMs: options.life }
      const { peerId } = await issueNode(authority, folder, order)
      writeNewFile(join(folder, fileNames.config), starterConfig(order))
      const peer = peerId.toString()
      if (options.bootstrap.length > 0)
        addBootstrap(
          authority,
          options.bootstrap.map((address) => `${address}/p2p/${peer}`),
        )
      print(
        options.json,
        { name, peer, roles: granted, services: options.service, dir: folder },
        () =>
          `${name} is issued\n${sheet([
            ['peer', peer],
            ['roles', granted.join(', ')],
            ['services', options.service.join(', ') || 'none'],
            ['folder', folder],
          ])}\n\n` +
          `Next: carry the folder to its host, look at ${fileNames.config}, then: postern up --config ${join(options.out, fileNames.config)}`,
      )
    })
}

const maxName = 64

function checkName(name: string): void {
  if (name === '' || name.length > maxName)
    throw new PosternError('USAGE', `a name has 1 to ${maxName} characters`, { remedy: 'choose another name' })
}

function checkAddress(address: string): void {
  if (!/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+$/.test(address))
    throw new PosternError('USAGE', `${address} is no address of a relay`, {
      remedy: 'give a multiaddr like /dns4/relay.example.net/tcp/4001',
    })
}

function roleOf(text: string): Role {
  const role = roles.find((known) => known === text)
  if (role === undefined)
    throw new PosternError('USAGE', `there is no role ${text}`, { remedy: `choose among ${roles.join(', ')}` })
  return role
}
