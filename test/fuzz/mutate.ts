/** A number from 0 to below the bound, which is above 0. */
export type Dice = (bound: number) => number

export const chance: Dice = (bound) => Math.floor(Math.random() * bound)

type Mutation = (octets: Buffer, corpus: readonly Uint8Array[], dice: Dice) => Buffer

/** Octets that readers compare with: ends of ranges, and what HTTP and JSON are made of. */
const telling = Buffer.from('\0\x01\x7f\x80\xff\r\n\t :;,./~"\\{}[]-+0129aA', 'latin1')
/** Lengths about which readers are wrong. */
const lengths = [0, 1, -1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0xffff_ffff]
const numbers = ['0', '-1', '1e9', '00', '65536', '4294967296', '9007199254740993', '99999999999999999999', 'null']

function any<T>(list: readonly T[], dice: Dice): T {
  return list.at(dice(list.length)) as T
}

/** A place from 0 to the end, and how much to take from there on. */
function range(octets: Uint8Array, dice: Dice): [from: number, to: number] {
  const from = dice(octets.length + 1)
  const longest = Math.min(octets.length - from, dice(2) === 0 ? 8 : 4096)
  return [from, from + dice(longest + 1)]
}

function replaced(octets: Buffer, from: number, to: number, by: Uint8Array): Buffer {
  return Buffer.concat([octets.subarray(0, from), by, octets.subarray(to)])
}

function octet(dice: Dice): number {
  return dice(2) === 0 ? (telling[dice(telling.length)] ?? 0) : dice(256)
}

function noise(dice: Dice): Buffer {
  return Buffer.from(Array.from({ length: 1 + dice(8) }, () => octet(dice)))
}

const mutations: readonly Mutation[] = [
  function flip(octets, _, dice) {
    const at = dice(octets.length + 1)
    return replaced(octets, at, at + 1, Buffer.of((octets[at] ?? 0) ^ (1 << dice(8))))
  },
  function set(octets, _, dice) {
    const at = dice(octets.length + 1)
    return replaced(octets, at, at + 1, Buffer.of(octet(dice)))
  },
  function cut(octets, _, dice) {
    const [from, to] = range(octets, dice)
    return replaced(octets, from, to, Buffer.alloc(0))
  },
  function end(octets, _, dice) {
    return octets.subarray(0, dice(octets.length + 1))
  },
  function insert(octets, _, dice) {
    const at = dice(octets.length + 1)
    return replaced(octets, at, at, noise(dice))
  },
  function repeat(octets, _, dice) {
    const [from, to] = range(octets, dice)
    const piece = octets.subarray(from, to)
    return replaced(octets, to, to, Buffer.concat(Array.from({ length: 1 + dice(64) }, () => piece)))
  },
  function splice(octets, corpus, dice) {
    const other = any(corpus, dice)
    const [from, to] = range(octets, dice)
    const [start, stop] = range(other, dice)
    return replaced(octets, from, to, other.subarray(start, stop))
  },
  function length(octets, _, dice) {
    const size = any([1, 2, 3, 4, 6], dice)
    if (octets.length < size) return octets
    const out = Buffer.from(octets)
    const at = dice(octets.length - size + 1)
    const value = dice(2) === 0 ? any(lengths, dice) : out.readUIntBE(at, size) + dice(9) - 4
    const ceiling = 2 ** (8 * size)
    out.writeUIntBE(((value % ceiling) + ceiling) % ceiling, at, size)
    return out
  },
  function number(octets, _, dice) {
    const found = [...octets.toString('latin1').matchAll(/\d+/g)]
    if (found.length === 0) return octets
    const { 0: digits, index } = any(found, dice)
    return replaced(octets, index, index + digits.length, Buffer.from(any(numbers, dice)))
  },
]

/** One of the corpus, the latest as often as all others, changed in a few places. The same dice give the same octets. */
export function mutate(corpus: readonly Uint8Array[], dice: Dice, maxBytes: number): Buffer {
  let octets: Buffer = Buffer.from(dice(2) === 0 ? any(corpus, dice) : (corpus.at(-1) ?? []))
  for (let left = 1 + dice(4); left > 0; left--) octets = any(mutations, dice)(octets, corpus, dice)
  return octets.subarray(0, maxBytes)
}
