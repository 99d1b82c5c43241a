import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

/** The command, with a program behind it that says where compiled code is kept. */
function installation(t: { after(end: () => void): void }) {
  const root = mkdtempSync(join(tmpdir(), 'postern-installation-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  cpSync(join(import.meta.dirname, '../bin'), join(root, 'bin'), { recursive: true })
  mkdirSync(join(root, 'dist'))
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(root, 'dist/main.js'),
    "import module from 'node:module'\nexport const run = () => console.log(module.getCompileCacheDir() ?? 'nowhere')\n",
  )
  const kept = () => {
    const { NODE_COMPILE_CACHE: _, ...env } = process.env
    const { stderr, stdout } = spawnSync(process.execPath, [join(root, 'bin/postern.mjs')], { encoding: 'utf8', env })
    assert.equal(stderr, '')
    return stdout.trim()
  }
  return { root, cache: join(root, 'node_modules/.cache/postern'), kept }
}

test('compiled code is kept beside the code, in a folder of the user alone', (t) => {
  const { cache, kept } = installation(t)
  assert.ok(kept().startsWith(cache))
  assert.equal(statSync(cache).mode & 0o777, 0o700)
  assert.ok(kept().startsWith(cache))
})

test('compiled code from a folder that others can open, or that lies elsewhere, is not run', (t) => {
  const { cache, kept, root } = installation(t)
  mkdirSync(cache, { recursive: true })
  chmodSync(cache, 0o770)
  assert.equal(kept(), 'nowhere')
  rmSync(cache, { recursive: true })
  mkdirSync(join(root, 'elsewhere'), { mode: 0o700 })
  symlinkSync(join(root, 'elsewhere'), cache)
  assert.equal(kept(), 'nowhere')
})

test('where nothing can be kept the command does without', (t) => {
  const { kept, root } = installation(t)
  writeFileSync(join(root, 'node_modules'), '')
  assert.equal(kept(), 'nowhere')
})
