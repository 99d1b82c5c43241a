import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backendOf, directOf } from '@postern/test-kit'
import { rawExchange } from './raw.ts'

/** What the entrance answers to a request with this first line and these Host lines, and what of it has reached the backend. */
async function doorOf(order: Partial<Parameters<typeof directOf>[0]> = {}) {
  const arrived: string[] = []
  const backend = await backendOf((request, response) => {
    arrived.push(`${request.headers.host} ${request.url}`)
    response.end('ok')
  })
  const direct = await directOf({ backends: [backend.url], ...order })
  return {
    arrived,
    async ask(line: string, hosts: readonly string[] = ['h']) {
      const fields = hosts.map((host) => `Host: ${host}\r\n`).join('')
      const answer = await rawExchange(direct.url, `${line}\r\n${fields}Connection: close\r\n\r\n`)
      return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])
    },
    async [Symbol.asyncDispose]() {
      await direct[Symbol.asyncDispose]()
      await backend[Symbol.asyncDispose]()
    },
  }
}

test('a target with a character that RFC 3986 does not allow dies at the door, whatever is exposed', async () => {
  await using door = await doorOf()
  const bad = [
    '#',
    '"',
    '<',
    '>',
    '\\',
    '^',
    '`',
    '{',
    '|',
    '}',
    '[',
    ']',
    '\t',
    '\x01',
    '\x7f',
    '\x80',
    '\xe9',
    '%',
    '%2',
    '%zz',
  ]
  for (const character of bad) {
    for (const target of [`/files/secret.txt${character}.png`, `/?q=${character}x`, `http://h/${character}x`])
      assert.equal(await door.ask(`GET ${target} HTTP/1.1`), 400, JSON.stringify(target))
  }
  for (const target of ['*', 'files', 'h:80', 'ftp://h/', 'http:/h', '?x'])
    assert.equal(await door.ask(`GET ${target} HTTP/1.1`), 400, target)
  assert.deepEqual(door.arrived, [])
  assert.equal(await door.ask("GET /a;b=1/%2Fc//!$&'()*+,:@?/?d=e HTTP/1.1"), 200)
  assert.deepEqual(door.arrived, ["h /a;b=1/%2Fc//!$&'()*+,:@?/?d=e"])
})

test('where the config says so, a query is encoded as RFC 3986 wants it, and a path is not', async () => {
  await using door = await doorOf({ ingress: { encodeQuery: true } })
  assert.equal(await door.ask('GET /a?page[size]=1&q={"x":"y|z"} HTTP/1.1'), 200)
  for (const target of ['/a[0]', '/a?q#x', '/a?\xe9', '/a?%zz'])
    assert.equal(await door.ask(`GET ${target} HTTP/1.1`), 400, target)
  assert.deepEqual(door.arrived, ['h /a?page%5Bsize%5D=1&q=%7B%22x%22:%22y%7Cz%22%7D'])
})

test('an authority that is more or less than host and port dies at the door, in Host and in absolute form', async () => {
  await using door = await doorOf()
  for (const authority of [
    'u@h',
    'u:p@h',
    'h/x',
    'a..b',
    '.h',
    'h.',
    'h:',
    'h:0',
    'h:99999',
    'a,b',
    '[::1',
    '::1',
    'h?',
    'h\xe9',
    '1.2',
    'h%41',
    '',
  ]) {
    assert.equal(await door.ask('GET / HTTP/1.1', [authority]), 400, `Host: ${authority}`)
    assert.equal(
      await door.ask('GET http://h/ HTTP/1.1', [authority]),
      400,
      `Host: ${authority} behind an absolute form`,
    )
    if (!/[/?]/.test(authority))
      assert.equal(await door.ask(`GET http://${authority}/ HTTP/1.1`), 400, `http://${authority}/`)
  }
  for (const version of ['1.1', '1.0'])
    assert.equal(await door.ask(`GET / HTTP/${version}`, ['h', 'h']), 400, 'two lines')
  assert.equal(await door.ask('GET / HTTP/1.1', []), 400)
  assert.deepEqual(door.arrived, [])
  assert.equal(await door.ask('GET / HTTP/1.0', []), 200)
  assert.equal(await door.ask('GET http://[2001:db8::1]:8080/x HTTP/1.1', ['API.example.com:1']), 200)
  assert.deepEqual(door.arrived, [' /', '[2001:db8::1]:8080 /x'])
})

test('a target without a path asks for the root, or for the server where the method is OPTIONS', async () => {
  await using door = await doorOf()
  for (const [line, arrived] of [
    ['GET http://h?x', 'h /?x'],
    ['GET HTTP://h', 'h /'],
    ['OPTIONS http://h/', 'h /'],
  ] as const) {
    assert.equal(await door.ask(`${line} HTTP/1.1`), 200, line)
    assert.equal(door.arrived.at(-1), arrived)
  }
})

test('an upgrade is asked for at a target as any other', async () => {
  await using door = await doorOf()
  const upgrade = 'Upgrade: websocket\r\nConnection: upgrade'
  assert.equal(await door.ask(`GET /x#y HTTP/1.1\r\n${upgrade}`), 400)
  assert.equal(await door.ask(`GET / HTTP/1.1\r\n${upgrade}`, ['u@h']), 400)
  assert.deepEqual(door.arrived, [])
})
