import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { postern } from './process.ts'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'postern-cli-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const run = (line: string, environment: Readonly<Record<string, string>> = {}) =>
  postern(line.split(' '), { cwd, environment })

const commands = [
  'demo',
  'mesh',
  'join',
  'renew',
  'rotate',
  'revoke',
  'up',
  'expose',
  'open',
  'check',
  'status',
  'peers',
  'services',
  'trace',
  'doctor',
]
const groups: Readonly<Record<string, readonly string[]>> = {
  mesh: ['create', 'invite', 'issue', 'admit'],
  rotate: ['authority', 'secret', 'node'],
}
const leaves = commands.flatMap((name) => groups[name]?.map((inner) => `${name} ${inner}`) ?? [name])
const asking = ['status', 'peers', 'services', 'trace api']

/** A config that is right but for the credential: there is none. */
const config = ['relay:', '  listen: [/ip4/127.0.0.1/tcp/0]'].join('\n')

test('the help lists every command, and says how to start and what exit codes mean', async () => {
  const { code, stdout } = await run('--help')
  assert.equal(code, 0)
  for (const command of commands) assert.match(stdout, new RegExp(`^  ${command} `, 'm'))
  assert.match(stdout, /postern demo/)
  assert.match(stdout, /0 done, 1 failed, 2 wrong command line or config, 3 no node runs there/)
  assert.match((await run('mesh --help')).stdout, /^ {2}create .*\n(.*\n)*? {2}issue /m)
})

test('each command says what it does, with an example of itself', async () => {
  const helps = await Promise.all(leaves.map((command) => run(`${command} --help`)))
  for (const [at, { code, stdout }] of helps.entries()) {
    const command = leaves[at] ?? ''
    assert.equal(code, 0, command)
    assert.match(stdout, new RegExp(`Examples?:\n(.*\n)*  postern ${command}`), command)
  }
})

test('a command line that is wrong ends with 2 and says why', async () => {
  const wrong = [
    'frobnicate',
    'status --nope',
    'trace',
    'demo --relays many',
    'open api --relays 4',
    'open api --listen nowhere',
    'mesh issue --role relay',
    'mesh issue --out node',
    'mesh issue --role king --out node',
    'mesh issue --role egress --service Not_A_Name --out node',
    'mesh issue --role egress --life long --out node',
    'up --set log.level',
  ]
  writeFileSync(join(cwd, 'postern.yaml'), config)
  assert.equal((await run('mesh create acme')).code, 0)
  const ends = await Promise.all(wrong.map((line) => run(line)))
  for (const [at, { code, stderr, stdout }] of ends.entries()) {
    assert.equal(code, 2, `postern ${wrong[at] ?? ''}: ${stderr}${stdout}`)
    assert.match(stderr, /^error/)
    assert.doesNotMatch(stderr, /\n {4}at /)
  }
  assert.equal(existsSync(join(cwd, 'node')), false)
})

test('a config that is wrong ends with 2, and is said with path, value and where it came from', async () => {
  writeFileSync(join(cwd, 'postern.yaml'), `${config}\nlog:\n  level: loud\negres: {}\n`)
  const { code, stderr } = await run('check --set drainMs=-1', { POSTERN_STATE: '7' })
  assert.equal(code, 2)
  for (const said of [
    'log.level = "loud"',
    'postern.yaml:4:10',
    'did you mean egress?',
    'drainMs = -1',
    'flag --set drainMs',
    'state = 7',
    'environment variable POSTERN_STATE',
  ])
    assert.ok(stderr.includes(said), `${said} is not in: ${stderr}`)
  for (const command of ['up', ...asking]) assert.equal((await run(command)).code, 2, command)
  writeFileSync(join(cwd, 'postern.yaml'), 'relay: {')
  assert.match((await run('check')).stderr, /CONFIG_INVALID postern\.yaml:\d+:\d+: /)
})

test('a quick egress or ingress says what is wrong with its command line, as a config does', async () => {
  for (const line of ['expose api 127.0.0.1:3000', 'expose Api http://127.0.0.1:3000', 'open Api --listen 8080']) {
    const { code, stderr } = await run(line)
    assert.equal(code, 2, `${line}: ${stderr}`)
    assert.match(stderr, /at command line/)
  }
})

test('where no node runs, asking ends with 3 and says what to do', async () => {
  writeFileSync(join(cwd, 'postern.yaml'), config)
  for (const line of asking) {
    const { code, stderr } = await run(line)
    assert.equal(code, 3, line)
    assert.match(stderr, /NOT_RUNNING .*admin\.sock/)
    assert.match(stderr, /postern up/)
  }
  assert.equal((await run('status --socket nowhere.sock')).code, 3)
})

test('with --json an error is one line of JSON', async () => {
  writeFileSync(join(cwd, 'postern.yaml'), config)
  for (const [line, wrongCode] of [
    ['status --json', 'NOT_RUNNING'],
    ['check --json', 'FILE_MISSING'],
    ['up --json --set relay.listen=[]', 'CONFIG_INVALID'],
    ['up --config none.yaml --json', 'FILE_MISSING'],
    ['mesh issue --role relay --out node --json', 'FILE_MISSING'],
    ['mesh issue --role king --out node --json', 'USAGE'],
    ['status --json --nope', 'USAGE'],
    ['trace --json', 'USAGE'],
  ] as const) {
    const { stderr, stdout } = await run(line)
    assert.equal(stdout, '', line)
    assert.match(stderr, /^\{.*\}\n$/, line)
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } }
    assert.equal(error.code, wrongCode, line)
    assert.ok(error.message.length > 0)
  }
})

test('NO_COLOR is respected', async () => {
  const escape = '\u001b['
  const coloured = await run('status --config none.yaml', { FORCE_COLOR: '1' })
  assert.ok(coloured.stderr.includes(escape))
  for (const line of ['status --config none.yaml', 'mesh create acme', '--help', 'frobnicate']) {
    const { stderr, stdout } = await run(line, { FORCE_COLOR: '1', NO_COLOR: '1' })
    assert.ok(!(stdout + stderr).includes(escape), line)
  }
})

test('what a program reads has no colours, under CI either', async () => {
  const { stderr } = await run('status --config none.yaml', { CI: 'true', TERM: 'xterm' })
  assert.match(stderr, /^error \w+ /)
})

test('a mesh is founded once: a second one in its place is refused, and the first is as it was', async () => {
  const { code, stdout } = await run('mesh create acme --dir authority --json')
  assert.equal(code, 0)
  const { dir, mesh, name } = JSON.parse(stdout) as { dir: string; mesh: string; name: string }
  assert.match(mesh, /^[a-z2-7]{32}$/)
  assert.equal(name, 'acme')
  const files = readdirSync(dir).toSorted()
  const before = files.map((file) => readFileSync(join(dir, file), 'utf8'))
  const again = await run('mesh create other --dir authority')
  assert.equal(again.code, 1)
  assert.match(again.stderr, /FILE_EXISTS/)
  assert.deepEqual(readdirSync(dir).toSorted(), files)
  assert.deepEqual(
    files.map((file) => readFileSync(join(dir, file), 'utf8')),
    before,
  )
})

test('a name that no mesh or node can have is refused before anything is written', async () => {
  const long = 'n'.repeat(65)
  for (const args of [
    ['mesh', 'create', ''],
    ['mesh', 'create', long],
  ]) {
    assert.equal((await postern([...args, '--dir', 'bad'], { cwd })).code, 2, args.join(' '))
    assert.equal(existsSync(join(cwd, 'bad')), false)
  }
  assert.equal((await run('mesh create acme')).code, 0)
  for (const order of [`--role relay --name ${long}`, '--role relay --bootstrap here', '--role egress --life 0d']) {
    const { code, stderr } = await run(`mesh issue --out bad ${order}`)
    assert.equal(code, 2, `${order}: ${stderr}`)
    assert.equal(existsSync(join(cwd, 'bad')), false, order)
  }
})

test('what is made for a node is complete, and its secrets are for its owner alone', async () => {
  await run('mesh create acme --dir authority')
  const issued = await run('mesh issue --authority authority --role egress --service billing --out e --json')
  assert.equal(issued.code, 0, issued.stderr)
  const checked = await run('check --config e/postern.yaml')
  assert.equal(checked.code, 0, checked.stderr)
  assert.match(checked.stdout, /e\/postern\.yaml is right/)
  for (const file of ['authority/authority.key', 'authority/mesh.secret', 'e/state/node.key', 'e/mesh.secret'])
    assert.equal(statSync(join(cwd, file)).mode & 0o777, 0o600, file)
  assert.equal((await run('mesh issue --authority authority --role egress --out e')).code, 1)
  const schema = JSON.parse((await run('check --schema')).stdout) as { properties: object }
  assert.ok('egress' in schema.properties)
})
