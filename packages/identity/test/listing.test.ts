import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  admit,
  askRenewal,
  askReplacement,
  beginJoin,
  finishJoin,
  issueNode,
  listIssued,
  loadMember,
  makeInvite,
  readInvite,
  revoke,
} from '../src/index.ts'
import { type Founded, founded } from './founded.ts'

const hour = 3600_000
const grant = { roles: ['ingress'], services: ['api'], lifeMs: 100 * hour } as const

const asking = (mesh: Founded, folder: string) => async (request: string) =>
  (await admit(folder, request, mesh.clock)).admission
const memberOf = (mesh: Founded, name: string) =>
  loadMember(join(mesh.root, name, 'mesh.json'), join(mesh.root, name, 'state'), mesh.clock)

test('what was issued is listed with what became of it, each node once, and what no line tells is named', async () => {
  using mesh = await founded()
  const { folder } = await mesh.load()
  const ask = asking(mesh, folder)
  const time = () => new Date(mesh.clock.now()).toISOString()
  const start = time()
  for (const name of ['b-renewed', 'c-replaced', 'd-revoked', 'e-expired'])
    await issueNode(await mesh.load(), join(mesh.root, name), {
      ...grant,
      name,
      lifeMs: name === 'e-expired' ? hour : grant.lifeMs,
    })
  const { text } = await makeInvite(await mesh.load(), { ...grant, name: 'a-joined' }, 50 * hour)
  const { id } = await makeInvite(await mesh.load(), { ...grant, name: 'f-invited' }, 50 * hour)
  await makeInvite(await mesh.load(), { ...grant, name: 'g-late' }, hour)

  mesh.clock.nowMs += hour
  const [joinedAt, joining] = [time(), join(mesh.root, 'a-joined')]
  await finishJoin(joining, await ask((await beginJoin(joining, readInvite(text))).request), mesh.clock)
  mesh.clock.nowMs += hour
  const renewedAt = time()
  await askRenewal(await memberOf(mesh, 'b-renewed'), ask)
  await askReplacement(await memberOf(mesh, 'c-replaced'), join(mesh.root, 'c-replaced', 'state'), hour, ask)
  await revoke(await mesh.load(), 'd-revoked')
  appendFileSync(join(folder, 'issued.jsonl'), '{"torn')

  const { nodes, unreadable } = listIssued(await mesh.load())
  assert.deepEqual(unreadable, [11])
  assert.deepEqual(
    nodes.map(({ name, state, issued, joined, renewed, revoked, lastSeen }) => [
      [name, state].join(' '),
      [issued, joined, renewed, revoked, lastSeen],
    ]),
    [
      ['a-joined member', [joinedAt, joinedAt, undefined, undefined, joinedAt]],
      ['b-renewed member', [start, undefined, renewedAt, undefined, renewedAt]],
      ['c-replaced ending', [start, undefined, undefined, new Date(mesh.clock.now() + hour).toISOString(), undefined]],
      ['c-replaced member', [renewedAt, undefined, renewedAt, undefined, renewedAt]],
      ['d-revoked revoked', [start, undefined, undefined, renewedAt, undefined]],
      ['e-expired expired', [start, undefined, undefined, undefined, undefined]],
      ['f-invited invited', [start, undefined, undefined, undefined, undefined]],
      ['g-late expired', [start, undefined, undefined, undefined, undefined]],
    ],
  )
  assert.equal(nodes.find(({ state }) => state === 'invited')?.id, id)
})
