import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@postern/test-kit'
import { must, postern, run } from './command.ts'
import { demoOf } from './demo.ts'

const statusAt = async (url: string) => (await fetch(url)).status

test('postern revoke cuts a node off by its name, tells every relay, and may be said again', async () => {
  await using demo = await demoOf({ relays: 3, egresses: 2 })
  const revoke = (who: string) => postern('revoke', who, '--authority', demo.authority, '--json')
  const [first, second] = demo.nodes.filter(({ roles }) => roles.includes('egress'))
  const { subjects, told, unreached } = JSON.parse(await must(revoke('egress-1'))) as Record<string, string[]>
  assert.deepEqual([subjects, told?.length, unreached], [[first?.peerId], 3, []])
  const others = demo.nodes.filter(({ name }) => name !== 'egress-1')
  await eventually('every other node knows', async () => {
    const known = await Promise.all(others.map(async (node) => (await demo.status(node)).bulletin.sequence))
    return known.every((sequence) => sequence === 1)
  })
  const guards = async () => (second === undefined ? undefined : (await demo.status(second)).egress?.guards?.registered)
  assert.ok(((await guards()) ?? 0) > 0)
  for (let i = 0; i < 20; i++) assert.equal(await statusAt(demo.url), 200)
  assert.equal((JSON.parse(await must(revoke('egress-1'))) as { sequence: number }).sequence, 1)
})

test('postern revoke says which names there are where nobody has the one that was given', async () => {
  await using demo = await demoOf({ relays: 2, egresses: 1 })
  const { end, err } = await run(postern('revoke', 'egress-9', '--authority', demo.authority))
  assert.equal(end, 2)
  assert.match(err, /nothing was issued to egress-9/)
  assert.match(err, /egress-1/)
})

test('postern revoke where no relay can be reached keeps the list, and says that nobody knows of it', async () => {
  const demo = await demoOf({ relays: 2, egresses: 1 })
  await using _ = demo
  for (const { pid, roles } of demo.nodes) if (roles.includes('relay')) process.kill(pid, 'SIGSTOP')
  const { end, err, out } = await run(postern('revoke', 'egress-1', '--authority', demo.authority, '--json'))
  for (const { pid, roles } of demo.nodes) if (roles.includes('relay')) process.kill(pid, 'SIGCONT')
  assert.equal(end, 1)
  assert.equal((JSON.parse(err) as { error: { code: string } }).error.code, 'NO_RELAY')
  assert.equal((JSON.parse(out) as { sequence: number }).sequence, 1)
})
