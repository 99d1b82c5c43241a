import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { passed, rawPath, writtenTargets } from './targets.ts'

const program = `
import json, sys
from urllib.parse import unquote, urlsplit
def read(target):
    split = urlsplit(target)
    return [split.scheme, split.netloc, split.path, split.fragment, unquote(split.path, errors="strict")]
json.dump([read(target) for target in json.load(sys.stdin)], sys.stdout)
`

test("what passes a rule is read as the same path by Python's urlsplit", () => {
  const targets = fc.sample(writtenTargets, 20_000).flatMap((written) => passed(written)?.target ?? [])
  const { status, stderr, stdout } = spawnSync('python3', ['-c', program], {
    input: JSON.stringify(targets),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  assert.equal(status, 0, stderr)
  const expected = targets.map((target) => ['', '', rawPath(target), '', decodeURIComponent(rawPath(target))])
  assert.deepEqual(JSON.parse(stdout), expected)
  assert.ok(targets.length > 100)
})
