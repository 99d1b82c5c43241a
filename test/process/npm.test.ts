import assert from 'node:assert/strict'
import { mkdirSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { bareEnvironment, must, run } from './command.ts'
import { demoOf } from './demo.ts'
import { registryOf } from './registry.ts'

const name = '@hidden/thing'

test('a hidden npm registry takes a package, gives it out by addresses of the mesh, and takes it back', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'postern-'))
  const at = (...parts: readonly string[]) => join(folder.path, ...parts)
  await using registry = await registryOf(at('registry'))
  await using demo = await demoOf({ backend: registry.url })

  for (const place of ['thing', 'user']) mkdirSync(at(place))
  const source = `export const secret = '${'of the hidden thing '.repeat(5000)}'\n`
  writeFileSync(at('thing', 'package.json'), JSON.stringify({ name, version: '1.2.3', exports: './index.mjs' }))
  writeFileSync(at('thing', 'index.mjs'), source)
  writeFileSync(at('user', 'package.json'), JSON.stringify({ name: 'user', version: '1.0.0', private: true }))
  // npm publishes nothing without a token, whatever the registry asks for.
  writeFileSync(at('npmrc'), `//${new URL(demo.url).host}/:_authToken=fake\naudit=false\nfund=false\n`)
  const settings = ['--registry', demo.url, '--userconfig', at('npmrc'), '--globalconfig', at('none')]
  const npm = (place: string, ...words: readonly string[]) =>
    [
      ['npm', ...words, ...settings, '--cache', at('cache'), '--no-update-notifier'],
      { cwd: at(place), env: bareEnvironment(folder.path) },
    ] as const

  await must(...npm('thing', 'publish', '--access', 'public'))
  const answer = await fetch(`${demo.url}${name.replace('/', '%2f')}`)
  const { versions } = (await answer.json()) as { versions: Record<string, { dist: { tarball: string } }> }
  assert.equal(versions['1.2.3']?.dist.tarball, `${demo.url}${name}/-/thing-1.2.3.tgz`)

  await must(...npm('user', 'install', name))
  assert.equal(readFileSync(at('user', 'node_modules', name, 'index.mjs'), 'utf8'), source)
  const lock = JSON.parse(readFileSync(at('user', 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string }>
  }
  assert.ok(lock.packages[`node_modules/${name}`]?.resolved?.startsWith(demo.url))

  await must(...npm('user', 'unpublish', '--force', name))
  const { end, err } = await run(...npm('user', 'view', name))
  assert.notEqual(end, 0)
  assert.match(err, /E404/)
})
