import assert from 'node:assert/strict'
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PosternError } from '@postern/protocol'
import { type ConfigSources, loadConfig } from '../src/index.ts'

const long = 'x'.repeat(4 * 2 ** 20)

/** What a config is refused with; it must be with a code. */
function refusalOf(text: string, sources?: ConfigSources): PosternError {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-messages-'))
  const file = join(folder.path, 'postern.yaml')
  writeFileSync(file, text)
  try {
    loadConfig(file, sources)
  } catch (error) {
    assert.ok(error instanceof PosternError, `not a coded error: ${String(error)}`)
    return error
  }
  return assert.fail('the config was taken')
}

const relay = 'relay: { listen: [/ip4/127.0.0.1/tcp/4001] }\n'
const huge: Readonly<Record<string, readonly [text: string, sources?: ConfigSources]>> = {
  'a value of the wrong type': [`${relay}workers: ${long}\n`],
  'a text that is none of a few': [`${relay}log: { level: ${long} }\n`],
  'a list in the place of a number': [`${relay}workers: [${'1,'.repeat(100_000)}]\n`],
  'an unknown key': [`${relay}${long.slice(0, 1000)}: 1\n`],
  'a long text under an unknown key': [`${relay}nonsense: ${long}\n`],
  'a name that is none': [`egress: { services: { ? "${long}" : {} } }\n`],
  'more unknown keys than anybody reads': [
    relay + Array.from({ length: 5000 }, (_, at) => `key${at}: ${at}\n`).join(''),
  ],
  'an address': [`relay: { listen: [${long}] }\n`],
  'an anchor that is not there': [`${relay}mesh: *${long}\n`],
  'a tag that is not known': [`${relay}workers: !${long} 1\n`],
  'brackets that do not end': [`${relay}mesh: ${'['.repeat(20_000)}\n`],
  'a value that refers to itself': [`${relay}workers: &a [*a]\n`],
  'a document that is one text': [long],
  'a flag without a value': [relay, { flags: [long] }],
  'a flag with a long path': [relay, { flags: [`${long}=1`] }],
  'a flag with a long value': [relay, { flags: [`workers=${long}`] }],
  'a flag that is no YAML': [relay, { flags: [`workers="${long}`] }],
  'a variable with a long value': [relay, { environment: { POSTERN_WORKERS: long } }],
  'a variable that is no YAML': [relay, { environment: { POSTERN_WORKERS: `{${long}` } }],
}

for (const [what, [text, sources]] of Object.entries(huge)) {
  test(`a refusal is short, whatever is refused: ${what}`, () => {
    const { code, message } = refusalOf(text, sources)
    assert.match(code, /^(CONFIG_INVALID|USAGE)$/)
    const lines = message.split('\n')
    assert.ok(lines.length < 50, `${lines.length} lines`)
    for (const line of lines) assert.ok(line.length < 600, line.slice(0, 700))
  })
}

test('a config that is a folder is said to be one, with the file to name', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-messages-'))
  mkdirSync(join(folder.path, 'relay-1'))
  assert.throws(() => loadConfig(join(folder.path, 'relay-1')), {
    code: 'FILE_UNREADABLE',
    message: /relay-1: it is a folder$/,
    remedy: /relay-1\/postern\.yaml$/,
  })
  writeFileSync(join(folder.path, 'file'), '')
  assert.throws(() => loadConfig(join(folder.path, 'file', 'postern.yaml')), { code: 'FILE_MISSING' })
})

test('a port above 65535 is said to be too large, wherever a config has it', () => {
  const rule = 'expose: [{ methods: [GET], path: / }]'
  for (const text of [
    'relay: { listen: [/ip4/0.0.0.0/tcp/99999] }',
    `${relay}ingress: { listen: [{ url: "http://0.0.0.0:65536" }], routes: [{ service: api }] }`,
    `egress: { services: { api: { backends: ["http://10.0.0.5:70000"], ${rule} } } }`,
  ])
    assert.match(refusalOf(text).message, /the port is too large: 65535 is the highest/)
})
