#!/usr/bin/env node
import { existsSync } from 'node:fs'

const built = new URL('../dist/main.js', import.meta.url)
const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  console.error(`postern needs Node.js 24 or newer; this is ${process.version}.`)
  process.exitCode = 2
} else if (!existsSync(built)) {
  console.error('postern has not been built yet: run `npm run setup` in the checkout.')
  process.exitCode = 2
} else {
  const { run } = await import(built.href)
  await run(process.argv)
}
