import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ExchangeFailureCode, exchangeFailures, fieldValue, isToken } from '@postern/protocol'
import { problemOf } from '../src/problem.ts'
import { mayRetry } from '../src/retry.ts'

const codes = Object.keys(exchangeFailures) as ExchangeFailureCode[]

/** RFC 9209 section 2.3, without the types of responses that a proxy makes up. */
const proxyErrors = new Set(
  [
    'dns_timeout dns_error destination_not_found destination_unavailable destination_ip_prohibited',
    'destination_ip_unroutable connection_refused connection_terminated connection_timeout',
    'connection_read_timeout connection_write_timeout connection_limit_reached tls_protocol_error',
    'tls_certificate_error tls_alert_received http_request_error http_request_denied http_response_incomplete',
    'http_response_timeout http_upgrade_failed http_protocol_error proxy_internal_response proxy_internal_error',
    'proxy_configuration_error proxy_loop_detected',
  ].flatMap((line) => line.split(' ')),
)

test('every failure is answered with a well-formed problem that names no host', () => {
  for (const code of codes) {
    const { body, fields, status } = problemOf(code, 'request-1')
    const problem = JSON.parse(body.toString('utf8')) as Record<string, unknown>
    assert.deepEqual(problem, {
      type: 'about:blank',
      title: exchangeFailures[code].title,
      status,
      code,
      requestId: 'request-1',
    })
    assert.ok(status >= 400 && status <= 599, code)
    assert.equal(fieldValue(fields, 'content-type'), 'application/problem+json')
    assert.equal(fieldValue(fields, 'content-length'), String(body.length))
    assert.equal(fieldValue(fields, 'cache-control'), 'no-store')
    assert.equal(fieldValue(fields, 'x-request-id'), 'request-1')
    const [, error = ''] =
      /^postern; error=(\w+); details="[A-Z_]+"$/.exec(fieldValue(fields, 'proxy-status') ?? '') ?? []
    assert.ok(proxyErrors.has(error), `${code}: ${error} is no proxy error type`)
    for (const [at, part] of fields.entries())
      assert.ok(at % 2 === 0 ? isToken(part) : /^[\x20-\x7e]+$/.test(part), `${code}: ${part}`)
    assert.doesNotMatch(exchangeFailures[code].title, /\d|\/|:|\b(egress|relay|guard|peer|backend|host:)\b/i, code)
  }
})

test('a client is told to come back where another try is safe, and only there', () => {
  for (const code of codes)
    assert.equal(
      fieldValue(problemOf(code, 'r').fields, 'retry-after'),
      exchangeFailures[code].retry === 'any' || [429, 503].includes(exchangeFailures[code].status) ? '1' : undefined,
      code,
    )
})

test('every 503 says in whole seconds when to come back', () => {
  const unavailable = codes.filter((code) => exchangeFailures[code].status === 503)
  assert.ok(unavailable.length > 0)
  for (const code of unavailable)
    assert.match(fieldValue(problemOf(code, 'r').fields, 'retry-after') ?? '', /^[1-9]\d{0,3}$/, code)
})

test('codes and their numbers on the wire are told apart', () => {
  assert.equal(new Set(codes.map((code) => exchangeFailures[code].wire)).size, codes.length)
})

/** What was certainly not acted on may be sent again whatever it is; what may have been, only where twice is as good as once. */
const always = new Set<ExchangeFailureCode>(['SERVICE_UNREACHABLE', 'BUSY', 'DRAINING', 'BACKEND_REFUSED'])
const idempotentOnly = new Set<ExchangeFailureCode>(['TRUNK_LOST', 'BACKEND_LOST'])
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
const others = ['POST', 'PATCH', 'CONNECT', 'get', 'PROPFIND', '']

test('a request is sent once more exactly where the table says so', () => {
  for (const code of codes)
    for (const method of [...idempotent, ...others])
      for (const content of [false, true])
        for (const attempts of [1, 2]) {
          const safe = always.has(code) || (idempotentOnly.has(code) && idempotent.has(method))
          const said = `${code} ${method} ${content ? 'with content sent' : 'without content'}, attempt ${attempts}`
          assert.equal(mayRetry(code, { method, content, attempts }), safe && !content, said)
        }
})

test('no request is sent without end, and a service without room is asked three times', () => {
  for (const [attempts, again] of [
    [2, true],
    [3, false],
  ] as const)
    assert.equal(mayRetry('BUSY', { method: 'GET', content: false, attempts }), again)
  for (const code of codes)
    for (const method of [...idempotent, ...others])
      assert.equal(mayRetry(code, { method, content: false, attempts: 10 }), false, `${code} ${method}`)
})
