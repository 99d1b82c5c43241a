import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { postern } from './process.ts'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'postern-messages-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const run = (...words: readonly string[]) => postern(words, { cwd })
const made = async (line: string) => {
  const { code, stderr } = await run(...line.split(' '))
  assert.equal(code, 0, stderr)
}

interface Complaint {
  readonly code: string
  readonly message: string
  readonly remedy?: string
}

/** What a command complains of, as a program reads it. */
async function complaintOf(...words: readonly string[]): Promise<Complaint> {
  const { code, stderr } = await run(...words, '--json')
  assert.notEqual(code, 0, words.join(' '))
  return (JSON.parse(stderr) as { error: Complaint }).error
}

/** What the doctor says is to do about it. */
async function remedyOf(code: string, config: string): Promise<string | undefined> {
  const { stdout } = await run('doctor', '--json', '--config', config)
  const { findings } = JSON.parse(stdout) as { findings: Complaint[] }
  return findings.find((finding) => finding.code === code)?.remedy
}

test('no argument is said back longer than a line, to people and to programs', async () => {
  const long = 'x'.repeat(100_000)
  await made('mesh create acme')
  writeFileSync(join(cwd, 'postern.yaml'), 'relay: { listen: [/ip4/127.0.0.1/tcp/0] }')
  const lines = [
    [long],
    ['status', `--${long}`],
    ['status', long],
    ['demo', '--relays', long],
    ['demo', '--backend', long],
    ['open', 'api', '--listen', long],
    ['open', long],
    ['expose', long, 'http://127.0.0.1:1'],
    ['expose', 'api', long],
    ['check', '--set', long],
    ['check', '--set', `mesh.${long}=1`],
    ['check', '--set', `workers=${long}`],
    ['check', '--config', long],
    ['mesh', 'issue', '--role', long, '--out', 'node'],
    ['mesh', 'issue', '--role', 'egress', '--service', `${long}_`, '--out', 'node'],
    ['mesh', 'issue', '--role', 'relay', '--bootstrap', long, '--out', 'node'],
    ['revoke', long],
    ['join', long],
  ]
  for (const words of lines) {
    const said = `postern ${words.join(' ').slice(0, 60)}`
    const { code, stderr } = await run(...words)
    assert.notEqual(code, 0, said)
    assert.ok(stderr.length < 6000, `${said}: ${stderr.length} characters`)
    for (const line of stderr.split('\n')) assert.ok(line.length < 600, `${said}: ${line.slice(0, 300)}`)
    assert.ok((await run(...words, '--json')).stderr.length < 6000, said)
  }
})

test('what cannot be read is said with the remedy that the doctor has', async () => {
  await made('mesh create acme --dir authority')
  await made('mesh issue --authority authority --role relay --out relay')
  const file = (name: string) => join(cwd, 'relay', name)
  const config = join('relay', 'postern.yaml')
  const key = readFileSync(file('state/node.key'))

  writeFileSync(file('state/node.key'), 'nonsense')
  for (const command of ['up', 'check']) {
    const complaint = await complaintOf(command, '--config', config)
    assert.equal(complaint.code, 'KEY_INVALID')
    assert.match(complaint.remedy ?? '', /carry the file over again/)
    assert.equal(complaint.remedy, await remedyOf('KEY_INVALID', config))
  }
  writeFileSync(file('state/node.key'), key)

  rmSync(file('mesh.secret'))
  const missing = await complaintOf('up', '--config', config)
  assert.deepEqual([missing.code, missing.remedy], ['FILE_MISSING', await remedyOf('FILE_MISSING', config)])
  assert.ok(missing.remedy)

  mkdirSync(file('mesh.secret'))
  const folder = await complaintOf('up', '--config', config)
  assert.deepEqual([folder.code, folder.remedy], ['FILE_UNREADABLE', await remedyOf('FILE_UNREADABLE', config)])
  assert.match(folder.message, /mesh\.secret: it is a folder/)
})

test('a folder that is no authority is met with how to name one', async () => {
  await made('mesh create acme --dir authority')
  await made('mesh issue --authority authority --role relay --out relay')
  for (const folder of ['nowhere', 'relay'])
    for (const words of [
      ['revoke', 'x'],
      ['mesh', 'issue', '--role', 'relay', '--out', 'other'],
    ]) {
      const { code, message, remedy } = await complaintOf(...words, '--authority', folder)
      assert.equal(code, 'FILE_MISSING')
      assert.match(message, new RegExp(`authority in .*${folder}$`))
      assert.match(remedy ?? '', /--authority/)
    }
})

test('a listener whose certificate is none is refused with code and remedy, and no stack', async () => {
  await made('mesh create acme --dir authority')
  await made('mesh issue --authority authority --role ingress --service api --out door')
  writeFileSync(join(cwd, 'door', 'cert.pem'), 'nonsense')
  const listen = '--set=ingress.listen=[{url: "https://127.0.0.1:0", tls: {cert: cert.pem, key: cert.pem}}]'
  const { code, stderr } = await run('up', '--config', 'door/postern.yaml', listen)
  assert.equal(code, 1)
  assert.match(stderr, /^error KEY_INVALID .*cert\.pem.*\n {2}to do: .*\n$/)
})

test('a config that is a folder is said to be one', async () => {
  mkdirSync(join(cwd, 'relay'))
  const { code, message, remedy } = await complaintOf('up', '--config', 'relay')
  assert.deepEqual([code, message], ['FILE_UNREADABLE', 'cannot read relay: it is a folder'])
  assert.match(remedy ?? '', /relay\/postern\.yaml/)
})

test('a misspelt service or role is met with the one it resembles', async () => {
  await made('mesh create acme --dir authority')
  await made('mesh issue --authority authority --role ingress --role egress --service billing --out node')
  for (const words of [
    ['open', 'biling', '--dir', 'node'],
    ['expose', 'billing2', 'http://127.0.0.1:1', '--dir', 'node'],
    ['check', '--config', 'node/postern.yaml', '--set', 'ingress.routes.0.service=bilingg'],
  ])
    assert.match((await complaintOf(...words)).remedy ?? '', /did you mean billing\?/, words.join(' '))
  const far = await complaintOf('open', 'inventory', '--dir', 'node')
  assert.doesNotMatch(far.remedy ?? '', /did you mean/)
  const issue = ['mesh', 'issue', '--authority', 'authority', '--role', 'ingres', '--out', 'other']
  assert.match((await complaintOf(...issue)).remedy ?? '', /did you mean ingress\?/)
})

test('a port above 65535 is said to be too large, wherever it is given', async () => {
  await made('mesh create acme')
  await made('mesh issue --role ingress --role egress --service api --out node')
  for (const words of [
    ['demo', '--port', '70000'],
    ['open', 'api', '--listen', '127.0.0.1:70000', '--dir', 'node'],
    ['open', 'api', '--listen', '70000', '--dir', 'node'],
    ['expose', 'api', 'http://127.0.0.1:70000', '--dir', 'node'],
    ['mesh', 'issue', '--role', 'relay', '--bootstrap', '/ip4/127.0.0.1/tcp/70000', '--out', 'relay'],
  ])
    assert.match((await complaintOf(...words)).message, /too large/, words.join(' '))
})
