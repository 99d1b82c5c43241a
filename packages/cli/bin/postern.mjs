#!/usr/bin/env node
import { existsSync, lstatSync, mkdirSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const built = new URL('../dist/main.js', import.meta.url)
const compiled = new URL('../node_modules/.cache/postern', import.meta.url)

/**
 * Keeps what V8 makes of the modules, so that the next start need not compile them. Who can write there decides what is
 * run, so it is kept only beside code that is the user's own, in a folder that nobody else can open; elsewhere, as in an
 * installation that is another's or cannot be written to, all is compiled anew.
 */
function keepCompiled() {
  try {
    const user = process.getuid?.()
    if (lstatSync(built).uid !== user) return
    mkdirSync(compiled, { recursive: true, mode: 0o700 })
    const { mode, uid } = lstatSync(compiled)
    if (uid === user && (mode & 0o077) === 0) module.enableCompileCache(fileURLToPath(compiled))
  } catch {
    // It cannot be kept here.
  }
}

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  console.error(`postern needs Node.js 24 or newer; this is ${process.version}.`)
  process.exitCode = 2
} else if (!existsSync(built)) {
  console.error('postern has not been built yet: run `npm run setup` in the checkout.')
  process.exitCode = 2
} else {
  // The young generation would take 32 MB while modules load, and keep them; a node lets it grow when it has work.
  setFlagsFromString('--semi-space-growth-factor=1')
  keepCompiled()
  const { run } = await import(built.href)
  await run(process.argv)
}
