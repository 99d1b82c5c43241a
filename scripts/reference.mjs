#!/usr/bin/env node
// `node scripts/reference.mjs`: writes the pages of docs/ that are made from the code; a test holds them to it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, setup } from './setup.mjs'

await setup()
const { configReference, errorReference, warningReference } = await import('../packages/node/dist/index.js')
writeFileSync(join(root, 'docs', 'configuration.md'), configReference())
writeFileSync(join(root, 'docs', 'errors.md'), errorReference())
writeFileSync(join(root, 'docs', 'warnings.md'), warningReference())
