import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configReference, errorReference, warningReference } from '../src/index.ts'

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')

test('the pages that are made from the code are those in docs: run `node scripts/reference.mjs` after a change', () => {
  assert.equal(page('configuration.md'), configReference())
  assert.equal(page('errors.md'), errorReference())
  assert.equal(page('warnings.md'), warningReference())
})
