import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposableSync, readdirSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { backendOf, eventually } from '@postern/test-kit'
import { must, postern, run, tied } from './command.ts'
import { demoOf, endOf, startDemo } from './demo.ts'
import { childrenOf, isAlive } from './proc.ts'

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')
const bodyStart = '"message": "Hello from behind the mesh."'

suite('postern demo --once', () => {
  test('prints status, body and the way with the time each hop adds, and exits 0', async () => {
    const { end, err, out } = await run(postern('demo', '--once'))
    assert.deepEqual([end, err], [0, ''])
    assert.match(out, /^200 OK from http:\/\/127\.0\.0\.1:\d+\/ after [\d.]+ ms/m)
    assert.ok(out.includes(bodyStart), out)
    for (const [hop, name] of [
      ['entry relay', 'relay'],
      ['guard relay', 'relay'],
      ['egress', 'egress'],
    ])
      assert.match(out, new RegExp(`^${hop} +\\+[\\d.]+ ms +[\\d.]+ ms +${name}-\\d`, 'm'))
  })

  test('with --json prints exactly one line that says the same', async () => {
    const { end, out } = await run(postern('demo', '--once', '--json'))
    assert.equal(end, 0)
    assert.equal(linesOf(out).length, 1)
    const { body, path, status, totalMs } = JSON.parse(out) as {
      status: number
      body: string
      totalMs: number
      path: Array<{ name: string; hop: string; addedMs: number; roundTripMs: number }>
    }
    assert.equal(status, 200)
    assert.ok(body.includes(bodyStart))
    assert.ok(totalMs > 0)
    assert.deepEqual(
      path.map(({ hop, name }) => `${hop} ${name.replace(/\d+$/, 'N')}`),
      ['entry relay relay-N', 'guard relay relay-N', 'egress egress-N'],
    )
    for (const { addedMs, roundTripMs } of path) assert.ok(addedMs <= roundTripMs)
  })

  test('hides the API that --backend names', async () => {
    await using backend = await backendOf((_request, response) => response.writeHead(203).end('of my own'))
    const { end, out } = await run(postern('demo', '--once', '--json', '--backend', backend.url))
    const { body, status } = JSON.parse(out) as { body: string; status: number }
    assert.deepEqual([end, status, body, backend.requests], [0, 203, 'of my own', 1])
  })

  test('ends in order where nobody reads on, as with `| head -1`', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
    const env = { ...process.env, TMPDIR: folder.path }
    const [file = '', ...words] = postern('demo', '--once')
    const child = tied(spawn(file, words, { env, stdio: ['ignore', 'pipe', 'inherit'] }))
    child.stdout.once('data', () => child.stdout.destroy())
    assert.equal(await endOf(child), 0)
    assert.deepEqual(readdirSync(folder.path), [])
  })

  test('fails where the hidden API does', async () => {
    await using backend = await backendOf((_request, response) => response.writeHead(500).end())
    const { end, err } = await run(postern('demo', '--once', '--backend', backend.url))
    assert.equal(end, 1)
    assert.match(err, /500/)
  })
})

suite('postern demo --json', () => {
  test('prints exactly one line with the keys that programs rely on', async () => {
    await using demo = await demoOf({ relays: 2, egresses: 1 })
    const answer = await fetch(demo.url)
    assert.equal(answer.status, 200)
    assert.equal(linesOf(demo.said).length, 1)
    const said = JSON.parse(demo.said) as { nodes: object[] }
    assert.deepEqual(Object.keys(said), ['url', 'authority', 'nodes'])
    for (const node of said.nodes) assert.deepEqual(Object.keys(node), ['name', 'roles', 'peerId', 'pid', 'dir'])
    assert.deepEqual(
      demo.nodes.map(({ name, roles }) => [name, ...roles]),
      [
        ['authority-node', 'authority'],
        ['egress-1', 'egress'],
        ['ingress', 'ingress'],
        ['relay-1', 'relay'],
        ['relay-2', 'relay'],
      ],
    )
    assert.equal(new Set(demo.nodes.map(({ pid }) => pid)).size, 5)
    for (const node of demo.nodes) {
      const { name, peer, pid } = await demo.status(node)
      assert.deepEqual([name, peer, pid], [node.name, node.peerId, node.pid])
    }
  })

  test('names a folder whose authority issues further nodes of the mesh', async () => {
    await using demo = await demoOf({ relays: 2, egresses: 1 })
    using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
    const out = join(folder.path, 'x')
    const issue = ['mesh', 'issue', '--authority', demo.authority, '--role', 'relay', '--name', 'x', '--out', out]
    await must(postern(...issue))
    const checked = JSON.parse(await must(postern('check', '--json', '--config', join(out, 'postern.yaml')))) as {
      name: string
      roles: readonly string[]
    }
    assert.deepEqual([checked.name, checked.roles], ['x', ['relay']])
    assert.ok(readdirSync(out).includes('mesh.json'))
  })

  test('a second Ctrl-C, which a terminal and npm both pass on, does not keep it from cleaning up', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
    await using demo = await demoOf({ relays: 2, egresses: 1, folder: folder.path })
    const ended = demo.end('SIGINT')
    await demo.end('SIGINT')
    await ended
    assert.deepEqual(readdirSync(folder.path), [])
    assert.ok(demo.nodes.every(({ pid }) => !isAlive(pid)))
  })

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} ends it and every node of it`, async () => {
      await using demo = await demoOf({ relays: 2, egresses: 1 })
      const pids = demo.nodes.map(({ pid }) => pid)
      assert.ok(pids.every(isAlive))
      assert.equal(await demo.end(signal), 0)
      assert.deepEqual(pids.filter(isAlive), [])
    })
  }

  test('no node outlives a demo that is killed', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
    await using demo = await demoOf({ relays: 2, egresses: 1, folder: folder.path })
    const pids = demo.nodes.map(({ pid }) => pid)
    assert.equal(await demo.end('SIGKILL'), 'SIGKILL')
    await eventually('every node has ended', () => !pids.some(isAlive))
  })
})

suite('postern demo that is still starting', () => {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    for (const count of [1, 3, 5]) {
      test(`ends by ${signal} when it has ${count} nodes, and leaves none of them`, async () => {
        using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
        const child = startDemo({ relays: 3, egresses: 2, backend: 'http://127.0.0.1:9', folder: folder.path })
        child.stdout.resume()
        child.stderr.resume()
        const ended = endOf(child)
        let nodes: readonly number[] = []
        await eventually(`${count} nodes are starting`, () => {
          nodes = childrenOf(child.pid ?? 0)
          return nodes.length >= count
        })
        child.kill(signal)
        await ended
        try {
          await eventually('every node has ended', () => !nodes.some(isAlive))
          if (signal === 'SIGINT') assert.deepEqual(readdirSync(folder.path), [], 'its folders are gone')
        } finally {
          for (const pid of nodes.filter(isAlive)) process.kill(pid, 'SIGKILL')
        }
      })
    }
  }
})

suite('postern demo that cannot be', () => {
  test('a port that is taken is exit code 1, with an error that says what to do', async () => {
    await using taken = createServer()
    taken.listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const port = String((taken.address() as AddressInfo).port)
    const forPeople = await run(postern('demo', '--port', port))
    const forPrograms = await run(postern('demo', '--json', '--port', port))
    assert.deepEqual([forPeople.end, forPrograms.end, forPrograms.out], [1, 1, ''])
    assert.match(forPeople.err, /to do:.*port/)
    const { error } = JSON.parse(linesOf(forPrograms.err).at(-1) ?? '') as {
      error: { code: string; message: string; remedy?: string }
    }
    assert.equal(error.code, 'ADDRESS_IN_USE')
    assert.match(error.message, new RegExp(port))
    assert.match(error.remedy ?? '', /port/)
  })

  for (const words of [
    ['--port', '70000'],
    ['--relays', '1'],
    ['--egresses', 'many'],
    ['--backend', 'nonsense'],
    ['--backend', 'ftp://127.0.0.1/'],
    ['--colour'],
    ['extra'],
  ]) {
    test(`demo ${words.join(' ')} is a wrong command line: exit code 2, and nothing is started`, async () => {
      const { end, err, out } = await run(postern('demo', '--once', ...words))
      assert.deepEqual([end, out], [2, ''])
      assert.match(err, /error/)
    })
  }
})
