import { createHash, randomBytes } from 'node:crypto'

/** How much went by, and what it was. */
export interface Tally {
  readonly bytes: number
  readonly sha256: string
}

const poolBytes = 2 ** 20
const pieceBytes = 64 * 1024
/** Odd, so that every piece of a long run starts elsewhere in the pool and none can stand for another. */
const stepBytes = 65_537
const pool = randomBytes(poolBytes + pieceBytes)

/** Octets that look random and cost little; the same ones every time within a process. */
export function* octets(bytes: number): Generator<Buffer> {
  for (let at = 0, left = bytes; left > 0; at = (at + stepBytes) % poolBytes) {
    const piece = pool.subarray(at, at + Math.min(left, pieceBytes))
    left -= piece.length
    yield piece
  }
}

/** The tally of all that a stream brings. */
export async function tallyOf(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Tally> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    hash.update(piece)
  }
  return { bytes, sha256: hash.digest('hex') }
}
