import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempDisposableSync, openSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { backendOf, eventually } from '@postern/test-kit'
import { askAdmin, bareEnvironment, must, postern, tied } from './command.ts'
import { endOf } from './demo.ts'
import { childrenOf, isAlive } from './proc.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A process, the ones that it has started, and theirs, the first first. */
function familyOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)]
}

/** `npm start` with a small mesh, once it says that it is ready; all its processes, each the parent of the next. */
async function npmStart(folder: string): Promise<{ readonly child: ChildProcess; readonly family: readonly number[] }> {
  const words = ['start', '--', '--json', '--port', '0', '--relays', '2', '--egresses', '1']
  const env = { ...bareEnvironment(folder), TMPDIR: folder, npm_config_update_notifier: 'false' }
  const child = tied(spawn('npm', words, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] }))
  const complaint = text(child.stderr)
  const ended = endOf(child).then(async (end) => {
    throw new Error(`npm start ended with ${end}: ${await complaint}`)
  })
  ended.catch(() => {})
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => line.startsWith('{"url"') && resolve())
  })
  await Promise.race([ready, ended])
  return { child, family: familyOf(child.pid ?? 0) }
}

async function allEnd(family: readonly number[]): Promise<void> {
  try {
    await eventually('every process has ended', () => !family.some(isAlive), 30_000)
  } finally {
    for (const pid of family.filter(isAlive)) process.kill(pid, 'SIGKILL')
  }
}

suite('npm start', () => {
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
    test(`${signal} to npm alone ends the whole mesh`, async () => {
      using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
      const { child, family } = await npmStart(folder.path)
      // npm, the script, the demo, the sample API and five nodes.
      assert.ok(family.length >= 9, `${family.length} processes`)
      child.kill(signal)
      await allEnd(family)
    })
  }

  test('nothing outlives the script that npm runs, killed', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
    const { family } = await npmStart(folder.path)
    process.kill(family[1] ?? 0, 'SIGKILL')
    await allEnd(family)
  })
})

/** `postern up` of an ingress beside a mesh of one relay that is away; it holds a channel to this process. */
async function nodeIn(folder: string, ...more: readonly string[]) {
  const dir = join(folder, 'door')
  const at = ['--authority', join(folder, 'authority')]
  await must(postern('mesh', 'create', 'acme', '--dir', join(folder, 'authority')))
  await must(postern('mesh', 'issue', ...at, '--role', 'ingress', '--role', 'egress', '--service', 'api', '--out', dir))
  const [file = '', ...words] = postern('up', '--json', '--config', join(dir, 'postern.yaml'))
  const log = openSync(join(folder, 'log'), 'a')
  const set = ['--set', 'ingress.listen.0.url=http://127.0.0.1:0', ...more]
  const child = tied(spawn(file, [...words, ...set], { stdio: ['ignore', 'pipe', log, 'ipc'] }))
  closeSync(log)
  const line = child.stdout === null ? [] : await once(createInterface({ input: child.stdout }), 'line')
  return {
    child,
    status: JSON.parse(String(line[0])) as { ingress: { urls: string[] } },
    log: () => readFileSync(join(folder, 'log'), 'utf8'),
    socket: join(dir, 'state', 'admin.sock'),
  }
}

suite('a node', () => {
  test('stays when it is sent SIGHUP, says so each time, and still ends in order', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
    const { child, log, socket } = await nodeIn(folder.path)
    const said = () => log().match(/"event":"SIGHUP is ignored"/g)?.length ?? 0
    for (const times of [1, 2]) {
      child.kill('SIGHUP')
      await eventually('it says so', () => said() === times)
    }
    assert.equal(((await askAdmin(socket, '/status')) as { pid: number }).pid, child.pid)
    child.kill('SIGTERM')
    assert.equal(await endOf(child), 0)
  })

  for (const workers of [0, 2]) {
    test(`with ${workers} workers ends when its parent has gone, whatever is under way`, async () => {
      using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
      await using backend = await backendOf(() => {})
      const { child, log, socket, status } = await nodeIn(
        folder.path,
        `--set=workers=${workers}`,
        '--set=drainMs=600000',
        `--set=egress.services.api.backends=[${backend.url}]`,
      )
      // It waits for a trunk, which never comes, and so does the node that is to stop.
      const answer = fetch(status.ingress.urls[0] ?? '').catch(() => undefined)
      await eventually('the request is under way', async () => {
        const { ingress } = (await askAdmin(socket, '/status')) as { ingress: { requests: number } }
        return ingress.requests === 1
      })
      child.disconnect()
      await once(child, 'exit')
      assert.match(log(), /"event":"the process that started this node has ended"/)
      await answer
    })
  }
})
