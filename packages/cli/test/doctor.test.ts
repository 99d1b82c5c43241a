import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { backendOf, eventually } from '@postern/test-kit'
import { type Ended, freePort, postern, running } from './process.ts'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'postern-doctor-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

interface Told {
  readonly code: number | null
  readonly ok: boolean
  readonly checks: ReadonlyArray<{ name: string; ok: boolean; ms: number }>
  readonly findings: ReadonlyArray<{ code: string; severity: string; title: string; cause: string; remedy: string }>
  readonly codes: readonly string[]
}

const run = (line: string): Promise<Ended> => postern(line.split(' '), { cwd })
const up = (line: string) => running(line.split(' '), { cwd })

async function made(line: string): Promise<void> {
  const { code, stderr } = await run(line)
  assert.equal(code, 0, stderr)
}

/** What the doctor says of a node, as a program reads it. */
async function told(line: string): Promise<Told> {
  const { code, stderr, stdout } = await run(`doctor --json ${line}`.trim())
  assert.equal(stderr, '')
  assert.match(stdout, /^\{.*\}\n$/)
  const diagnosis = JSON.parse(stdout) as Omit<Told, 'code' | 'codes'>
  assert.equal(code, diagnosis.ok ? 0 : 1)
  return { ...diagnosis, code, codes: diagnosis.findings.map((finding) => finding.code) }
}

/** Founds a mesh with one relay; the lines with which its nodes are started, and asked. */
async function found(backend: string, life = '90d') {
  const port = await freePort()
  await made('mesh create acme --dir authority')
  const issue = 'mesh issue --authority authority'
  await made(`${issue} --role relay --name relay-1 --bootstrap /ip4/127.0.0.1/tcp/${port} --out relay-1`)
  await made(`${issue} --role egress --service api --name egress-1 --out egress-1 --life ${life}`)
  await made(`${issue} --role ingress --service api --name ingress-1 --out ingress-1`)
  return {
    relay: `--config relay-1/postern.yaml --set relay.listen=[/ip4/127.0.0.1/tcp/${port}]`,
    egress: `--config egress-1/postern.yaml --set egress.services.api.backends=[${backend}]`,
    ingress:
      '--config ingress-1/postern.yaml --set ingress.path.relays=1 --set ingress.listen.0.url=http://127.0.0.1:0',
  }
}

test('a mesh that works is well, a node that could work too, and both are said with each check and the exit code 0', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  const lines = await found(backend.url)
  await using _relay = await up(`up ${lines.relay}`)
  const before = await told(lines.egress)
  assert.deepEqual([before.code, before.codes], [0, ['NOT_RUNNING']])

  await using _egress = await up(`up ${lines.egress}`)
  await using _ingress = await up(`up ${lines.ingress}`)
  for (const line of [lines.relay, lines.egress, lines.ingress])
    await eventually(`${line} is ready`, async () => (await run(`status --ready ${line}`)).code === 0)
  for (const line of [lines.relay, lines.egress, lines.ingress]) {
    const { checks, codes } = await told(line)
    assert.deepEqual(
      codes.filter((code) => code !== 'FEW_GUARDS'),
      [],
    )
    assert.ok(checks.some(({ name }) => name === 'node'))
    for (const check of checks) assert.deepEqual(Object.keys(check), ['name', 'ok', 'ms'])
    const people = await run(`doctor ${line}`)
    assert.equal(people.code, 0)
    assert.equal(people.stdout.match(/^ok {4}/gm)?.length, checks.length)
    assert.match(people.stdout, /Nothing is wrong\.\n$/)
    assert.ok(!people.stdout.includes('\u001b'))
  }
  assert.equal((await told('--socket egress-1/state/admin.sock')).ok, true)
})

test('a relay that is down and a backend that is down are found, while the node runs and when it does not', async () => {
  const port = await freePort()
  const lines = await found(`http://127.0.0.1:${port}`)
  const stopped = await told(lines.egress)
  assert.deepEqual(stopped.codes, ['NOT_RUNNING', 'RELAY_UNREACHABLE', 'NO_RELAY', 'BACKEND_DOWN'])
  await using egress = await up(`up ${lines.egress}`)
  const expected = ['BACKEND_DOWN', 'NO_GUARD', 'RELAY_UNREACHABLE']
  await eventually('the node has tried its relay', async () => {
    const { codes } = await told(lines.egress)
    return JSON.stringify(codes.toSorted()) === JSON.stringify(expected)
  })
  const { code, stdout } = await run(`doctor ${lines.egress}`)
  assert.equal(code, 1)
  assert.match(stdout, /^fail {2}guards .*\n {2}error NO_GUARD .*\n {4}.*\n {4}to do: /m)
  assert.match(stdout, /^warn {2}relays {2}0 of 1 linked\n/m)
  assert.match(stdout, /2 errors, 1 warning\n$/)
  const status = await run(`status ${lines.egress}`)
  assert.match(status.stdout, /\nwarnings\n {2}error NO_GUARD .*\n {4}.*\n {4}to do: /)
  const { warnings } = JSON.parse((await run(`status --json ${lines.egress}`)).stdout) as { warnings: object[] }
  assert.ok(warnings.length >= 2)
  assert.equal(await egress.end(), 0)
})

test('another mesh secret, a key that others may read and a port that is taken are found before the node starts', async () => {
  await using backend = await backendOf((_request, response) => response.end('ok'))
  const lines = await found(backend.url)
  await using _relay = await up(`up ${lines.relay}`)
  const secret = join(cwd, 'egress-1', 'mesh.secret')
  writeFileSync(secret, Buffer.alloc(32, 7).toString('base64url'))
  const refused = await told(lines.egress)
  assert.deepEqual(refused.codes, ['NOT_RUNNING', 'KNOCK_REFUSED', 'NO_RELAY'])
  assert.match(refused.findings[1]?.remedy ?? '', /date -u.*mesh\.secret/)
  cpSync(join(cwd, 'relay-1', 'mesh.secret'), secret)
  assert.equal((await told(lines.egress)).ok, true)

  chmodSync(join(cwd, 'egress-1', 'state', 'node.key'), 0o640)
  const open = await told(lines.egress)
  assert.deepEqual(open.codes, ['KEY_TOO_OPEN', 'NOT_RUNNING'])
  assert.match(open.findings[0]?.remedy ?? '', /chmod 600 /)

  const taken = lines.ingress.replace('http://127.0.0.1:0', backend.url)
  assert.ok((await told(taken)).codes.includes('ADDRESS_IN_USE'))
})

test('a credential that has expired is said to have', async () => {
  const lines = await found('http://127.0.0.1:9', '1s')
  await eventually('it has expired', async () => (await told(lines.egress)).codes.includes('CREDENTIAL_EXPIRED'))
  const { code, stdout } = await run(`doctor ${lines.egress}`)
  assert.equal(code, 1)
  assert.match(stdout, /^fail {2}credential/m)
  assert.match(stdout, /valid until \d{4}-/)
})

test('a config that is wrong is a finding, a command line that is wrong is not', async () => {
  writeFileSync(join(cwd, 'postern.yaml'), 'egres: {}')
  const { codes, findings } = await told('')
  assert.deepEqual(codes, ['CONFIG_INVALID'])
  assert.match(findings[0]?.cause ?? '', /did you mean egress/)
  assert.deepEqual((await told('--config none.yaml')).codes, ['FILE_MISSING'])
  assert.deepEqual((await told('--socket nowhere.sock --config none.yaml')).codes, ['NOT_RUNNING'])
  for (const line of ['doctor --nope', 'doctor --set nothing']) assert.equal((await run(line)).code, 2, line)
})
