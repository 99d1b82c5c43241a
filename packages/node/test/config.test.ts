import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { PosternError } from '@postern/protocol'
import {
  type Config,
  ConfigError,
  type ConfigSources,
  configJsonSchema,
  type Finding,
  loadConfig,
} from '../src/index.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-config-'))
  file = join(folder, 'postern.yaml')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function load(lines: readonly string[], sources?: ConfigSources): Config {
  writeFileSync(file, lines.join('\n'))
  return loadConfig(file, sources)
}

/** What loading fails with; it must fail with a code. */
function failureOf(lines: readonly string[], sources?: ConfigSources): PosternError {
  try {
    load(lines, sources)
  } catch (error) {
    assert.ok(error instanceof PosternError, `not a coded error: ${String(error)}`)
    return error
  }
  return assert.fail('the config was taken')
}

function findingsOf(lines: readonly string[], sources?: ConfigSources): readonly Finding[] {
  const error = failureOf(lines, sources)
  assert.ok(error instanceof ConfigError, error.message)
  assert.equal(error.code, 'CONFIG_INVALID')
  for (const { origin, path } of error.findings) {
    assert.ok(error.message.includes(origin), `the message does not say ${origin}`)
    assert.ok(error.message.includes(path), `the message does not say ${path}`)
  }
  return error.findings
}

const relay = ['relay:', '  listen: [/ip4/127.0.0.1/tcp/4001]']
const egress = [
  'egress:',
  '  services:',
  '    billing:',
  '      backends: [http://127.0.0.1:3000]',
  '      expose:',
  '        - { methods: [GET], path: /** }',
]

test('a wrong value is said with its path, the value and the place in the file', () => {
  const [finding, ...more] = findingsOf([...relay, 'log:', '  level: loud'])
  assert.deepEqual(more, [])
  assert.equal(finding?.path, 'log.level')
  assert.equal(finding.value, 'loud')
  assert.equal(finding.origin, `${file}:4:10`)
  assert.match(finding.problem, /debug/)
})

test('an unknown key is said with what was probably meant', () => {
  const [near, far, ...more] = findingsOf([...egress, '      answrMs: 5', '      colour: red'])
  assert.deepEqual(more, [])
  assert.equal(near?.path, 'egress.services.billing.answrMs')
  assert.equal(near.value, 5)
  assert.equal(near.origin, `${file}:7:16`)
  assert.equal(near.remedy, 'did you mean answerMs?')
  assert.equal(far?.path, 'egress.services.billing.colour')
  assert.equal(far.remedy, 'remove it')
  const [section] = findingsOf([...relay, 'ingres: {}'])
  assert.equal(section?.remedy, 'did you mean ingress?')
})

test('everything that is wrong is said at once', () => {
  const paths = findingsOf([
    'drainMs: -1',
    'relay: { listen: [somewhere] }',
    ...egress,
    'logs: {}',
    'ingress:',
    '  listen: []',
    '  routes: [{ service: Billing }]',
  ]).map(({ path }) => path)
  assert.deepEqual(paths.toSorted(), [
    'drainMs',
    'ingress.listen',
    'ingress.routes.0.service',
    'logs',
    'relay.listen.0',
  ])
})

test('what is missing is said at the place where it should be', () => {
  const [finding] = findingsOf(['egress:', '  services:', '    billing:', '      backends: [http://127.0.0.1:3000]'])
  assert.equal(finding?.path, 'egress.services.billing.expose')
  assert.match(finding.problem, /missing/)
  assert.match(finding.origin, /:[34]:\d+$/)
})

test('an address or a URL that is none is a finding like any other', () => {
  const broken = egress.with(3, '      backends: [127.0.0.1:3000]')
  assert.deepEqual(
    findingsOf(broken).map(({ path }) => path),
    ['egress.services.billing.backends.0'],
  )
})

test('the environment goes over the file, and flags over the environment', () => {
  const lines = ['log: { level: error }', 'drainMs: 1', ...relay]
  const environment = { POSTERN_LOG__LEVEL: 'warn', POSTERN_DRAINMS: '2', HOME: '/root' }
  assert.equal(load(lines).log.level, 'error')
  assert.equal(load(lines, { environment }).log.level, 'warn')
  const config = load(lines, { environment, flags: ['log.level=debug'] })
  assert.equal(config.log.level, 'debug')
  assert.equal(config.drainMs, 2)
  assert.deepEqual(config.relay?.listen, ['/ip4/127.0.0.1/tcp/4001'])
  assert.equal(load(lines, { flags: ['drainMs=3', 'drainMs=4'] }).drainMs, 4)
})

test('a whole part of the config may come from the environment or a flag', () => {
  const flags = ['relay={ listen: [/ip4/127.0.0.1/tcp/4002] }']
  assert.deepEqual(load([], { flags }).relay?.listen, ['/ip4/127.0.0.1/tcp/4002'])
  const environment = { POSTERN_RELAY__LISTEN: '[/ip4/127.0.0.1/tcp/4003]' }
  assert.deepEqual(load([], { environment }).relay?.listen, ['/ip4/127.0.0.1/tcp/4003'])
})

test('a variable in capitals finds its key wherever it stands', () => {
  const environment = {
    POSTERN_DRAIN_MS: '7',
    POSTERN_EGRESS__SERVICES__BILLING__ANSWER_MS: '5000',
    POSTERN_EGRESS__SERVICES__BILLING__EXPOSE__0__PATH: '/v1/**',
  }
  const config = load(egress, { environment })
  assert.equal(config.drainMs, 7)
  assert.equal(config.egress?.services['billing']?.answerMs, 5000)
  assert.equal(config.egress.services['billing'].expose[0]?.path, '/v1/**')
})

test('a wrong value is said with the variable or the flag it came from', () => {
  const [variable] = findingsOf(relay, { environment: { POSTERN_LOG__LEVEL: 'loud' } })
  assert.equal(variable?.path, 'log.level')
  assert.equal(variable.value, 'loud')
  assert.equal(variable.origin, 'environment variable POSTERN_LOG__LEVEL')
  const [flag] = findingsOf(relay, { flags: ['relay.listen=[nowhere]'] })
  assert.equal(flag?.path, 'relay.listen.0')
  assert.equal(flag.origin, 'flag --set relay.listen')
  const [unknown] = findingsOf(relay, { environment: { POSTERN_LGO__LEVEL: 'info' } })
  assert.equal(unknown?.origin, 'environment variable POSTERN_LGO__LEVEL')
  assert.equal(unknown.remedy, 'did you mean log?')
})

test('a flag that sets nothing is refused, with an example', () => {
  for (const flag of ['log.level', '=info', '']) {
    const error = failureOf(relay, { flags: [flag] })
    assert.equal(error.code, 'USAGE')
    assert.match(error.remedy ?? '', /--set/)
  }
})

test('an override that is no YAML is refused, and said where it came from', () => {
  for (const [sources, origin] of [
    [{ environment: { POSTERN_LOG__LEVEL: '[' } }, 'POSTERN_LOG__LEVEL'],
    [{ flags: ['log.level=['] }, '--set log.level'],
  ] as const) {
    const error = failureOf(relay, sources)
    assert.equal(error.code, 'CONFIG_INVALID')
    assert.ok(error.message.includes(origin), error.message)
  }
})

test('an override reaches the config and nothing beyond', () => {
  try {
    load(relay, { flags: ['__proto__.reached=1'], environment: { POSTERN___PROTO____REACHED: '1' } })
  } catch (error) {
    assert.ok(error instanceof PosternError, String(error))
  }
  const reached = 'reached' in {}
  Reflect.deleteProperty(Object.prototype, 'reached')
  assert.equal(reached, false)
})

test('a file that is no YAML is refused with line and column', () => {
  const error = failureOf([...relay, 'log: {'])
  assert.equal(error.code, 'CONFIG_INVALID')
  assert.match(error.message, /postern\.yaml:\d+:\d+: \S/)
  assert.match(failureOf(['mesh: a', 'mesh: b']).message, /postern\.yaml:2:1: \S/)
  assert.equal(failureOf(['mesh: *nowhere']).code, 'CONFIG_INVALID')
})

test('a file that holds no settings is refused, also under overrides', () => {
  for (const line of ['just text', '- a list', '7', 'null', '']) {
    assert.equal(failureOf([line]).code, 'CONFIG_INVALID', line)
    assert.equal(failureOf([line], { flags: ['log.level=info'] }).code, 'CONFIG_INVALID', line)
  }
})

test('a file that is not there is said to be missing, with what to do', () => {
  assert.throws(
    () => loadConfig(join(folder, 'none.yaml')),
    (error) => error instanceof PosternError && error.code === 'FILE_MISSING' && /--config/.test(error.remedy ?? ''),
  )
})

test('the value of a variable that is no key is not shown: it may be a secret', () => {
  const findings = findingsOf(relay, { environment: { POSTERN_MESH_SECRET: 'hunter2' } })
  assert.equal(findings[0]?.origin, 'environment variable POSTERN_MESH_SECRET')
  assert.doesNotMatch(JSON.stringify(findings), /hunter2/)
})

test('a config without a role is refused, with what to add', () => {
  const [finding] = findingsOf(['mesh: mesh.json'])
  assert.match(finding?.problem ?? '', /role/)
  assert.match(finding?.remedy ?? '', /relay, ingress, egress or authority/)
})

test('what was read cannot be changed', () => {
  const config = load([...relay, ...egress])
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen))
  assert.ok(frozen(config))
  assert.throws(() => Object.assign(config, { drainMs: 1 }), TypeError)
  assert.throws(() => Object.assign(config.relay ?? {}, { listen: [] }), TypeError)
})

test('paths are relative to the folder of the file, and absolute once read', () => {
  const tls = ['ingress:', '  listen: [{ url: "https://127.0.0.1:0", tls: { cert: c.pem, key: /etc/k.pem } }]']
  const config = load(['mesh: ../mesh.json', 'state: var', ...tls, '  routes: [{ service: a }]'])
  assert.equal(config.mesh, join(folder, '..', 'mesh.json'))
  assert.equal(config.state, join(folder, 'var'))
  assert.deepEqual(config.ingress?.listen[0]?.tls, { cert: join(folder, 'c.pem'), key: '/etc/k.pem' })
})

test('the admin socket is in the state folder, unless it is said to be elsewhere', () => {
  assert.equal(load(relay).admin.socket, join(folder, 'state', 'admin.sock'))
  assert.equal(load(['state: /var/lib/postern', ...relay]).admin.socket, '/var/lib/postern/admin.sock')
  assert.equal(load(['admin: { socket: /run/p.sock }', ...relay]).admin.socket, '/run/p.sock')
})

test('editors get a JSON Schema in which every part of the config is described', () => {
  const schema = configJsonSchema() as { type: string; properties: object; additionalProperties: boolean }
  assert.equal(schema.type, 'object')
  const parts = Object.keys(schema.properties).toSorted()
  assert.equal(
    parts.join(' '),
    'admin authority drainMs egress freshness ingress log mesh relay renewalGraceMs state workers',
  )
  assert.equal(schema.additionalProperties, false)
  assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema)
})

test('workers are for a node with an ingress or an egress, and 0 to 64', () => {
  assert.equal(load(egress).workers, 0)
  assert.equal(load(['workers: 2', ...egress]).workers, 2)
  const [useless] = findingsOf(['workers: 2', ...relay])
  assert.deepEqual([useless?.path, useless?.origin, useless?.remedy], ['workers', `${file}:1:10`, 'remove it'])
  assert.equal(findingsOf(['workers: 65', ...egress])[0]?.path, 'workers')
})
