import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import type { ExchangeFailureCode } from '@postern/protocol'
import { request } from 'undici'
import { failureOf } from '../src/failure.ts'

const withCode = (code: unknown, more: object = {}) => Object.assign(new Error('x'), { code, ...more })

/** What each failure of the backend means, by the code of its error. */
const meaning: ReadonlyArray<readonly [ExchangeFailureCode, codes: string]> = [
  ['BACKEND_REFUSED', 'ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH UND_ERR_CONNECT_TIMEOUT'],
  ['BACKEND_REFUSED', 'ERR_TLS_CERT_ALTNAME_INVALID ERR_SSL_WRONG_VERSION_NUMBER CERT_HAS_EXPIRED'],
  ['BACKEND_REFUSED', 'DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['BACKEND_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT'],
  ['BACKEND_LOST', 'UND_ERR_SOCKET ECONNRESET EPIPE'],
  ['BACKEND_INVALID', 'UND_ERR_HEADERS_OVERFLOW'],
  ['ABORTED', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'],
  ['MALFORMED_REQUEST', 'UND_ERR_INVALID_ARG UND_ERR_NOT_SUPPORTED UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'],
  ['INTERNAL', 'EMFILE UND_ERR_SOMETHING_NEW'],
]

test('what an error of the backend means is said by a table', () => {
  for (const [failure, codes] of meaning)
    for (const code of codes.split(' ')) assert.equal(failureOf(withCode(code)), failure, code)
})

test('an answer that is no HTTP is the fault of the backend, whatever its parser calls it', () => {
  assert.equal(failureOf(withCode('HPE_INVALID_CONSTANT', { name: 'HTTPParserError' })), 'BACKEND_INVALID')
  assert.equal(failureOf(withCode(undefined, { name: 'HTTPParserError' })), 'BACKEND_INVALID')
})

test('what is no error with a code is a failure of our own', () => {
  for (const error of [new Error('x'), undefined, null, 'ECONNREFUSED', 7, {}, withCode(7)])
    assert.equal(failureOf(error), 'INTERNAL')
})

test('a host that has stopped answering is a failure of the backend, not one of our own', () => {
  const failure = failureOf(withCode('ETIMEDOUT'))
  assert.ok(['BACKEND_REFUSED', 'BACKEND_LOST', 'BACKEND_TIMEOUT'].includes(failure), failure)
})

/** A server that meets each connection in its own way. */
async function serverThat(meet: Parameters<typeof createServer>[1]) {
  const server = createServer(meet)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return { server, url: `http://127.0.0.1:${port}` }
}

const failureAt = (url: string) => request(url).then(() => 'no failure', failureOf)

test('the errors are the ones that the HTTP client really has', async () => {
  const gone = await serverThat(() => {})
  gone.server.close()
  await once(gone.server, 'close')
  assert.equal(await failureAt(gone.url), 'BACKEND_REFUSED')
  for (const [failure, meet] of [
    ['BACKEND_LOST', (socket: { destroy(): void }) => socket.destroy()],
    ['BACKEND_INVALID', (socket: { end(text: string): void }) => socket.end('nonsense\r\n\r\n')],
  ] as const) {
    const { server, url } = await serverThat(meet)
    assert.equal(await failureAt(url), failure)
    server.close()
  }
  assert.equal(await failureAt('http://no-such-host.invalid/'), 'BACKEND_REFUSED')
})
