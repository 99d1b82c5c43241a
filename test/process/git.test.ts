import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { bareEnvironment, must } from './command.ts'
import { demoOf } from './demo.ts'
import { gitServer } from './git-server.ts'

const bigBytes = 20_000_000

test('a hidden git repository is cloned, pushed to in chunks and cloned again', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
  const at = (...parts: readonly string[]) => join(folder.path, ...parts)
  const who = { name: 'A. Person', email: 'person@example.com' }
  const env = {
    ...bareEnvironment(folder.path),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
  }
  const git = (...words: readonly string[]) => must(['git', ...words], { env })
  const inFirst = (...words: readonly string[]) => git('-C', at('first'), ...words)
  await git('init', '--bare', '--initial-branch=main', at('hidden.git'))
  await git('-C', at('hidden.git'), 'config', 'http.receivepack', 'true')

  await using server = await gitServer(folder.path)
  await using demo = await demoOf({ backend: server.url })
  const url = `${demo.url}hidden.git`
  await git('clone', url, at('first'))
  const big = randomBytes(bigBytes)
  writeFileSync(at('first', 'big'), big)
  await inFirst('checkout', '-B', 'main')
  await inFirst('add', 'big')
  await inFirst('commit', '--message', 'a big file')
  await inFirst('push', 'origin', 'main')
  const chunked = server.pushes.find(({ headers }) => headers['transfer-encoding'] === 'chunked')
  assert.ok(chunked !== undefined && chunked.contentBytes > bigBytes, 'the objects were sent in chunks')

  await git('clone', url, at('second'))
  assert.ok(readFileSync(at('second', 'big')).equals(big))
  const head = await inFirst('rev-parse', 'HEAD')
  assert.equal(await git('-C', at('second'), 'rev-parse', 'HEAD'), head)
  assert.equal(await git('ls-remote', url, 'refs/heads/main'), `${head.trim()}\trefs/heads/main\n`)

  writeFileSync(at('first', 'small'), 'a second commit\n')
  await inFirst('add', 'small')
  await inFirst('commit', '--message', 'a small file')
  await inFirst('push', 'origin', 'main')
  await git('-C', at('second'), 'pull', '--ff-only')
  assert.equal(readFileSync(at('second', 'small'), 'utf8'), 'a second commit\n')
})
