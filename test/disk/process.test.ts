import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '@postern/test-kit'
import { must, postern, run, tied } from '../process/command.ts'
import { endOf } from '../process/demo.ts'
import { tinyDisk } from './tiny-disk.ts'

interface Finding {
  readonly code: string
  readonly cause: string
  readonly remedy: string
}

/** A relay's folder, in a mesh of its own. */
async function relayIn(root: string): Promise<string> {
  await must(postern('mesh', 'create', 'acme', '--dir', join(root, 'authority')))
  const relay = join(root, 'relay')
  await must(postern('mesh', 'issue', '--authority', join(root, 'authority'), '--role', 'relay', '--out', relay))
  return relay
}

const configOf = (folder: string) => ['--config', join(folder, 'postern.yaml')]
const listen = '--set=relay.listen=[/ip4/127.0.0.1/tcp/0]'

async function findings(...words: readonly string[]): Promise<Finding[]> {
  return (JSON.parse((await run(postern('doctor', '--json', ...words))).out) as { findings: Finding[] }).findings
}

/** A node that runs, with a log that goes to `log`. */
async function up(log: number | 'ignore', ...words: readonly string[]) {
  const [file = '', ...rest] = postern('up', '--json', listen, ...words)
  const child = tied(spawn(file, rest, { stdio: ['ignore', 'pipe', log] }))
  if (child.stdout !== null) await once(createInterface({ input: child.stdout }), 'line')
  return child
}

suite('a state folder that is read-only', () => {
  test('is said to be one by up and by the doctor, with what to do', async () => {
    using root = mkdtempDisposableSync(join(tmpdir(), 'postern-disk-'))
    const relay = await relayIn(root.path)
    using disk = tinyDisk(join(relay, 'state'))
    disk.readOnly(true)
    const { end, err } = await run(postern('up', '--json', listen, ...configOf(relay)))
    assert.equal(end, 1)
    const { error } = JSON.parse(err.trimEnd().split('\n').at(-1) ?? '') as { error: Finding & { message: string } }
    assert.equal(error.code, 'FILE_UNWRITABLE')
    assert.match(error.message, /admin\.sock: the file system is read-only$/)
    assert.match(error.remedy, /admin\.socket/)
    const found = (await findings(listen, ...configOf(relay))).find(({ code }) => code === 'FILE_UNWRITABLE')
    assert.match(found?.cause ?? '', /the file system is read-only$/)
  })

  test('does for a node whose admin socket is elsewhere, which runs and ends as any other', async () => {
    using root = mkdtempDisposableSync(join(tmpdir(), 'postern-disk-'))
    const relay = await relayIn(root.path)
    using disk = tinyDisk(join(relay, 'state'))
    disk.readOnly(true)
    const socket = `--set=admin.socket=${join(root.path, 'admin.sock')}`
    const child = await up('ignore', ...configOf(relay), socket)
    const status = async () =>
      JSON.parse(await must(postern('status', '--json', ...configOf(relay), socket))) as { warnings: Finding[] }
    const before = await status()
    assert.ok(!before.warnings.some(({ code }) => code === 'FILE_UNWRITABLE'))
    child.kill('SIGTERM')
    assert.equal(await endOf(child), 0)
  })
})

suite('a log that cannot be written', () => {
  test('is said by `status` and the doctor, and the node runs and ends as any other', async () => {
    using root = mkdtempDisposableSync(join(tmpdir(), 'postern-disk-'))
    const relay = await relayIn(root.path)
    using disk = tinyDisk(join(root.path, 'log'))
    const log = join(disk.folder, 'node.log')
    writeFileSync(log, '')
    disk.fill()
    const [file = '', ...rest] = postern('up', '--json', listen, ...configOf(relay))
    // Appended to, as service managers do.
    const shell = ['-c', `exec "$@" 2>> ${log}`, 'sh', file, ...rest]
    const child = tied(spawn('sh', shell, { stdio: ['ignore', 'pipe', 'ignore'] }))
    await once(createInterface({ input: child.stdout }), 'line')
    const unwritable = async () =>
      (await findings(listen, ...configOf(relay))).filter(({ code }) => code === 'LOG_UNWRITABLE')
    await eventually('the doctor finds it', async () => (await unwritable()).length === 1)
    disk.free()
    await eventually('what waited is written', async () => (await unwritable()).length === 0)
    assert.match(readFileSync(log, 'utf8'), /"event":"node started"/)
    disk.fill()
    child.kill('SIGTERM')
    assert.equal(await endOf(child), 0)
  })
})

const cache = fileURLToPath(new URL('../../packages/cli/node_modules', import.meta.url))

suite('compiled code that cannot be kept', () => {
  for (const [what, options] of [
    ['full', 'size=4k'],
    ['read-only', 'ro'],
  ] as const) {
    test(`costs a command nothing but time: a ${what} disk`, async () => {
      // Seen by this command alone.
      const script = `mkdir -p ${join(cache, '.cache')} && mount -t tmpfs -o ${options} tmpfs ${join(cache, '.cache')} && exec "$@"`
      const { end, err, out } = await run(['unshare', '-m', 'sh', '-c', script, 'sh', ...postern('--version')])
      assert.deepEqual([end, err], [0, ''])
      assert.match(out, /^\d+\.\d+\.\d+\n$/)
    })
  }
})
