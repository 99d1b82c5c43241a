import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'
import { eventually } from '@postern/test-kit'
import { must, postern, run, tied } from './command.ts'
import { type Demo, demoOf } from './demo.ts'

interface Status {
  readonly peer: string
  readonly bulletin: { readonly sequence: number }
  readonly credential: { readonly expires: string }
  readonly ingress?: { readonly urls: readonly string[] }
}

const statusAt = async (url: string) => (await fetch(url)).status
const say = async (...words: readonly string[]) =>
  JSON.parse(await must(postern(...words, '--json'))) as Record<string, unknown>

const config = (folder: string) => {
  const file = join(folder, 'postern.yaml')
  const written = readFileSync(file, 'utf8').replace('http://127.0.0.1:8080', 'http://127.0.0.1:0')
  writeFileSync(file, written)
  return file
}

/** `postern up`, running; stopped at the end of the block that uses it. */
async function up(configFile: string) {
  const [file = '', ...words] = postern('up', '--json', '--config', configFile)
  const child = tied(spawn(file, words, { stdio: ['ignore', 'pipe', 'ignore'] }))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    status: JSON.parse(line) as Status,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

const inviteOf = async ({ authority }: Demo, ...more: readonly string[]) =>
  await say(
    'mesh',
    'invite',
    '--role',
    'ingress',
    '--service',
    'api',
    '--name',
    'door',
    '--authority',
    authority,
    ...more,
  )

suite('postern join', () => {
  test('the whole life of a credential by the command line: invite, join, renew, rotate, revoke', async () => {
    await using demo = await demoOf({ relays: 3, egresses: 1 })
    using root = mkdtempDisposableSync(join(tmpdir(), 'postern-life-'))
    const folder = join(root.path, 'door')
    const { id, invite } = await inviteOf(demo)
    const joined = await say('join', String(invite), '--dir', folder)
    assert.deepEqual([joined['name'], joined['roles'], joined['services']], ['door', ['ingress'], ['api']])
    const file = config(folder)
    let before: Status
    {
      await using node = await up(file)
      before = node.status
      const url = node.status.ingress?.urls[0] ?? ''
      await eventually('it serves', async () => (await statusAt(url)) === 200)
      const { expires } = (await say('renew', '--config', file)) as { expires: string }
      assert.ok(expires >= before.credential.expires)
      await say('rotate', 'secret', '--overlap', '1h', '--authority', demo.authority)
      await say('rotate', 'authority', '--overlap', '1h', '--authority', demo.authority)
      const status = async () => (await say('status', '--config', file)) as unknown as Status
      await eventually('it has heard of both', async () => (await status()).bulletin.sequence === 2)
      const { peer } = (await say('rotate', 'node', '--overlap', '1h', '--config', file)) as { peer: string }
      assert.notEqual(peer, before.peer)
      assert.equal(await statusAt(url), 200)
    }
    await using node = await up(file)
    assert.notEqual(node.status.peer, before.peer)
    const url = node.status.ingress?.urls[0] ?? ''
    await eventually('it serves by its new key', async () => (await statusAt(url)) === 200)
    const { subjects } = (await say('revoke', 'door', '--authority', demo.authority)) as { subjects: string[] }
    assert.deepEqual(subjects.toSorted(), [String(id), before.peer, node.status.peer].toSorted())
    await eventually('it is cut off', async () => (await statusAt(url)) === 503)
    assert.equal(await statusAt(demo.url), 200)
  })

  test('an invite is refused the second time, and so is one that was revoked, each with what to do', async () => {
    await using demo = await demoOf({ relays: 2, egresses: 1 })
    using root = mkdtempDisposableSync(join(tmpdir(), 'postern-life-'))
    const dir = (name: string) => ['--dir', join(root.path, name)]
    const { invite } = await inviteOf(demo)
    await say('join', String(invite), ...dir('first'))
    const again = await run(postern('join', String(invite), ...dir('second')))
    assert.equal(again.end, 1)
    assert.match(again.err, /INVITE_USED.*\n.*to do: ask for a new one/)
    const taken = await inviteOf(demo)
    await say('revoke', String(taken['id']), '--authority', demo.authority)
    const refused = await run(postern('join', String(taken['invite']), ...dir('third')))
    assert.equal(refused.end, 1)
    assert.match(refused.err, /INVITE_INVALID|NO_RELAY/)
    const expired = await run(postern('join', 'postern-invite:nonsense', ...dir('fourth')))
    assert.match(expired.err, /INVITE_INVALID .*\n.*to do: copy the whole line/)
  })

  test('with files alone: a request, the answer, and a node that serves', async () => {
    await using demo = await demoOf({ relays: 2, egresses: 1 })
    using root = mkdtempDisposableSync(join(tmpdir(), 'postern-life-'))
    const at = (name: string) => join(root.path, name)
    const { invite } = await inviteOf(demo)
    await say('join', String(invite), '--dir', at('door'), '--offline', at('request'))
    await say('mesh', 'admit', at('request'), '--out', at('reply'), '--authority', demo.authority)
    const joined = await say('join', '--reply', at('reply'), '--dir', at('door'))
    assert.equal(joined['name'], 'door')
    await using node = await up(config(at('door')))
    const url = node.status.ingress?.urls[0] ?? ''
    await eventually('it serves', async () => (await statusAt(url)) === 200)
  })
})
