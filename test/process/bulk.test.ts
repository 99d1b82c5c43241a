import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { before, suite, type TestContext, test } from 'node:test'
import { backendOf } from '@postern/test-kit'
import { tied } from './command.ts'
import { type Demo, demoOf, endOf } from './demo.ts'
import { octets, type Tally, tallyOf } from './octets.ts'
import { watchMemory } from './proc.ts'

const bytes = 1_000_000_000
const mostMb = 200

suite('a gigabyte', () => {
  let whole: Tally
  before(async () => {
    whole = await tallyOf(octets(bytes))
  })

  test('comes down whole, and no node ever holds a fifth of it', async (t) => {
    await using backend = await backendOf((_request, response) => {
      response.writeHead(200, { 'content-length': bytes })
      pipeline(octets(bytes), response).catch(() => response.destroy())
    })
    await using demo = await demoOf({ backend: backend.url })
    await lean(t, demo, async () => {
      const client = curl(demo.url)
      const [end, tally] = await Promise.all([endOf(client), tallyOf(client.stdout)])
      assert.deepEqual([end, tally], [0, whole])
    })
  })

  test('goes up whole, and no node ever holds a fifth of it', async (t) => {
    await using backend = await backendOf((request, response) => {
      tallyOf(request).then(
        (tally) => response.end(JSON.stringify(tally)),
        () => response.destroy(),
      )
    })
    await using demo = await demoOf({ backend: backend.url })
    await lean(t, demo, async () => {
      const client = curl('--upload-file', '-', demo.url)
      const sent = pipeline(Readable.from(octets(bytes)), client.stdin)
      const [end, tally] = await Promise.all([endOf(client), json(client.stdout), sent])
      assert.deepEqual([end, tally], [0, whole])
    })
  })
})

/** Holds every node of a demo to the bound on memory while something goes on. */
async function lean(t: TestContext, demo: Demo, work: () => Promise<void>): Promise<void> {
  using memory = watchMemory(demo.nodes)
  const startMs = performance.now()
  await work()
  const seconds = (performance.now() - startMs) / 1000
  const peaks = Object.entries(memory.peaksMb)
  t.diagnostic(
    `${(bytes / 1e6 / seconds).toFixed(0)} MB/s; ${peaks.map(([name, mb]) => `${name} ${mb} MB`).join(', ')}`,
  )
  assert.deepEqual(
    peaks.filter(([, mb]) => mb > mostMb),
    [],
    `no node holds more than ${mostMb} MB`,
  )
}

/** A client of HTTP that owes nothing to this project, nor to settings of the user. */
function curl(...words: readonly string[]) {
  const settings = ['--disable', '--noproxy', '*', '--silent', '--show-error', '--fail', '--no-buffer']
  return tied(spawn('curl', [...settings, ...words], { stdio: ['pipe', 'pipe', 'inherit'] }))
}
