import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BodySource, Schedule } from '../src/schedule.ts'

/** Content of so many octets, all of which may leave. */
class Source implements BodySource {
  readonly id: number
  sendable: number
  scheduled = false
  begun = false
  emptied: () => void = () => {}

  constructor(id: number, bytes: number) {
    this.id = id
    this.sendable = bytes
  }

  takePiece(bytes: number): Uint8Array {
    const piece = Buffer.alloc(Math.min(bytes, this.sendable))
    this.sendable -= piece.length
    return piece
  }
}

test('an exchange that is over in the midst of a pull, between two turns of it, sends nothing more', () => {
  const schedule = new Schedule()
  const sources = [1, 2, 3].map((id) => new Source(id, 1_000_000))
  for (const source of sources) schedule.addBody(source)
  // All have had turns; in the next pull, one that has had one more is ended by another.
  schedule.pull(1_000_000)
  const [one, two, three] = sources as [Source, Source, Source]
  const left = one.sendable
  let turns = 0
  two.emptied = () => {
    turns += 1
    if (turns === 2) schedule.removeBody(one)
  }
  while (schedule.pending) schedule.pull(1_000_000)
  assert.ok(left - one.sendable <= 32 * 1024, `${left - one.sendable} octets of an exchange that was over`)
  assert.deepEqual([two.sendable, three.sendable], [0, 0])
})
