import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Pipe, PipeReader } from './pipe.ts'

/** Everything that a reader was told, in order; neighbouring octets are one entry. */
class Heard implements PipeReader {
  readonly events: string[] = []
  bytes = 0
  drains = 0
  error: Error | undefined
  readonly closed: Promise<void>
  readonly ended: Promise<void>
  readonly #close: () => void
  readonly #end: () => void
  readonly #waits: Array<{ readonly until: () => boolean; readonly resolve: () => void }> = []

  constructor() {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>()
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    this.closed = closed
    this.ended = ended
    this.#close = close
    this.#end = end
  }

  data(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength
    const text = Buffer.from(chunk).toString('latin1')
    const last = this.events.at(-1)
    if (last?.startsWith('data ') === true) this.events[this.events.length - 1] = last + text
    else this.events.push(`data ${text}`)
    this.#look()
  }

  drain(): void {
    this.drains += 1
    this.#look()
  }

  end(): void {
    this.events.push('end')
    this.#end()
  }

  close(error?: Error): void {
    this.error = error
    this.events.push(error === undefined ? 'close' : 'broken')
    this.#close()
  }

  async until(check: () => boolean): Promise<void> {
    if (check()) return
    await new Promise<void>((resolve) => this.#waits.push({ until: check, resolve }))
  }

  #look(): void {
    for (const { resolve, until } of this.#waits) if (until()) resolve()
  }
}

const octets = (text: string) => Buffer.from(text, 'latin1')
const pieceBytes = 64 * 1024
/** More than any window is. */
const most = 64 * 1024 * 1024

/** What every pipe does, whatever it is made of: `pair` makes the two ends of a new one. */
export function pipeSuite(what: string, pair: () => readonly [Pipe, Pipe] | Promise<readonly [Pipe, Pipe]>): void {
  const opened = async () => {
    const [a, b] = await pair()
    const atA = new Heard()
    const atB = new Heard()
    a.read(atA)
    b.read(atB)
    return { a, b, atA, atB }
  }

  suite(`${what} is a pipe`, () => {
    test('octets arrive whole and in order, both ways, and then each end', async () => {
      const { a, atA, atB, b } = await opened()
      a.send([octets('one '), octets(''), octets('two ')])
      b.send([octets('back')])
      a.send([octets('three')])
      a.close()
      await atB.ended
      b.send([octets(' again')])
      b.close()
      await Promise.all([atA.closed, atB.closed])
      assert.deepEqual(atB.events, ['data one two three', 'end', 'close'])
      assert.deepEqual(atA.events, ['data back again', 'end', 'close'])
    })

    test('what arrives before there is a reader is kept, the end as well', async () => {
      const [a, b] = await pair()
      const atA = new Heard()
      a.read(atA)
      a.send([octets('early')])
      a.close()
      await new Promise(setImmediate)
      const atB = new Heard()
      b.read(atB)
      await atB.ended
      assert.deepEqual(atB.events, ['data early', 'end'])
      b.close()
      await Promise.all([atA.closed, atB.closed])
    })

    test('a view of a larger buffer is sent, and nothing of what is around it', async () => {
      const { a, atA, atB, b } = await opened()
      const around = octets('secret seen secret')
      a.send([around.subarray(7, 11)])
      a.close()
      b.close()
      await Promise.all([atA.closed, atB.closed])
      assert.deepEqual(atB.events, ['data seen', 'end', 'close'])
      assert.equal(around.toString('latin1'), 'secret seen secret')
    })

    test('a reader that pauses stops the sender within a bound, and loses nothing', async () => {
      const { a, atA, atB, b } = await opened()
      b.pause()
      let sent = 0
      while (sent < most) {
        sent += pieceBytes
        if (!a.send([Buffer.alloc(pieceBytes, 97)])) break
        await new Promise(setImmediate)
      }
      assert.ok(sent < most, 'the sender was asked to wait')
      assert.equal(atA.drains, 0)
      const held = atB.bytes
      await new Promise(setImmediate)
      assert.equal(atB.bytes, held)
      b.resume()
      await atB.until(() => atB.bytes === sent)
      await atA.until(() => atA.drains === 1)
      a.close()
      b.close()
      await Promise.all([atA.closed, atB.closed])
      assert.deepEqual([atA.error, atB.error], [undefined, undefined])
    })

    test('the end waits behind what a paused reader has not taken', async () => {
      const { a, atA, atB, b } = await opened()
      b.pause()
      a.send([octets('held')])
      a.close()
      b.close()
      await atA.ended
      assert.deepEqual(atB.events, [])
      b.resume()
      await Promise.all([atA.closed, atB.closed])
      assert.deepEqual(atB.events, ['data held', 'end', 'close'])
    })

    test('an abort ends both directions at both ends, with an error, and nothing follows', async () => {
      const { a, atA, atB, b } = await opened()
      a.send([octets('x')])
      await atB.until(() => atB.bytes === 1)
      b.abort(new Error('enough'))
      await Promise.all([atA.closed, atB.closed])
      assert.equal(atB.error?.message, 'enough')
      assert.ok(atA.error instanceof Error)
      assert.equal(a.send([octets('late')]), true)
      a.close()
      b.abort(new Error('again'))
      await new Promise(setImmediate)
      assert.deepEqual([atA.events, atB.events], [['broken'], ['data x', 'broken']])
    })
  })
}
