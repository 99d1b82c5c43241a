import { getRandomValues } from 'node:crypto'

/** For each octet of an id, what each of its values adds; made at random when the process starts. */
const [first, second, third, fourth] = [0, 1, 2, 3].map(() => getRandomValues(new Int32Array(256))) as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]

/**
 * Hashes an exchange id to 32 bits by simple tabulation. The other side of a trunk chooses ids, so a fixed hash would let
 * it choose ids of one place. With random tables linear probing takes constant expected time whatever the ids are
 * (Pătraşcu and Thorup, "The Power of Simple Tabulation Hashing", 2012).
 */
export function idHash(id: number): number {
  return (
    ((first[id & 0xff] as number) ^
      (second[(id >>> 8) & 0xff] as number) ^
      (third[(id >>> 16) & 0xff] as number) ^
      (fourth[id >>> 24] as number)) >>>
    0
  )
}
