import assert from 'node:assert/strict'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Log } from '@postern/protocol'
import { eventually } from '@postern/test-kit'
import { createLog, type LogLevel } from '../src/index.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-observe-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Lines of a log of that level, once there are so many. */
async function linesOf(level: LogLevel, count: number, write: (log: Log) => void): Promise<string[]> {
  const file = join(folder, `${level}.log`)
  write(createLog({ level, node: 'egress-1', fd: openSync(file, 'a') }))
  const lines = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  await eventually(`${count} lines are written`, () => lines().length >= count)
  return lines()
}

test('an event is one line of JSON with time, level, node, event and its fields', async () => {
  const before = Date.now()
  const [line = ''] = await linesOf('info', 1, (log) => log.info('link refused', { peer: 'abc', code: 'BUSY', at: 7 }))
  const { time, ...rest } = JSON.parse(line) as Record<string, unknown>
  assert.deepEqual(rest, { level: 'info', node: 'egress-1', event: 'link refused', peer: 'abc', code: 'BUSY', at: 7 })
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.ok(Date.parse(String(time)) >= before && Date.parse(String(time)) <= Date.now())
})

test('what a stranger sends stays in its line', async () => {
  const reason = 'one\r\n{"level":"error","event":"forged"}\n\u0000\u2028"quoted" \ud800'
  const lines = await linesOf('debug', 4, (log) => {
    log.debug('a', { reason })
    log.info('b\nc')
    log.warn('d', { reason: [reason] })
    log.error('e')
  })
  assert.equal(lines.length, 4)
  const levels = lines.map((line) => (JSON.parse(line) as { level: string }).level)
  assert.deepEqual(levels, ['debug', 'info', 'warn', 'error'])
  assert.equal((JSON.parse(lines[1] ?? '') as { event: string }).event, 'b\nc')
})

const eventsOf = (lines: readonly string[]) => lines.map((line) => (JSON.parse(line) as { event: string }).event)

/** One event of each level. */
function sayAll(log: Log): void {
  log.debug('debug')
  log.info('info')
  log.warn('warn')
  log.error('error')
}

test('what is below the level is not written', async () => {
  await linesOf('silent', 0, sayAll)
  assert.deepEqual(eventsOf(await linesOf('warn', 2, sayAll)), ['warn', 'error'])
  assert.deepEqual(eventsOf(await linesOf('error', 1, sayAll)), ['error'])
  assert.equal(readFileSync(join(folder, 'silent.log'), 'utf8'), '')
})

test('a field that cannot be written as JSON costs no line', async () => {
  const round: Record<string, unknown> = {}
  round['self'] = round
  const lines = await linesOf('info', 2, (log) => {
    log.info('round', { round, big: 7n })
    log.info('next')
  })
  assert.deepEqual(eventsOf(lines), ['round', 'next'])
})

test('what a stranger sends makes no line long', async () => {
  const reason = `\u001b${'x'.repeat(1_000_000)}`
  const lines = await linesOf('info', 3, (log) => {
    log.info('a', { reason })
    log.info('b', { reason: [reason, reason] })
    log.info(reason)
  })
  for (const line of lines) assert.ok(line.length < 3000, `${line.length} characters`)
  assert.match(lines[0] ?? '', /x… \(1000001 characters\)"/)
})

test('a log that cannot be written costs its lines alone: no error, no memory without bound, and it is said', async () => {
  const uncaught: unknown[] = []
  const note = (error: unknown) => uncaught.push(error)
  process.on('uncaughtException', note)
  const log = createLog({ level: 'info', node: 'egress-1', fd: openSync('/dev/full', 'a') })
  log.info('first')
  await eventually('the failure is known', () => /ENOSPC/.test(log.failure ?? ''))
  for (let at = 0; at < 3000; at++) log.info('more', { text: 'x'.repeat(1000) })
  await eventually('what is too much is lost and counted', () => log.lost > 0 && log.lost < 3000)
  process.off('uncaughtException', note)
  assert.deepEqual(uncaught, [])
})
