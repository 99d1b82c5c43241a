import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import type { Word } from './forms.ts'
import type { Search } from './search.ts'

const blockBytes = 256 * 1024
/** Most of what is mapped was never written. */
const untouched = Buffer.alloc(blockBytes)

/** Which of the words looked for a process holds anywhere in its writable memory. What a process has never been told cannot be there. */
export function heldInMemory(pid: number, search: Search): Set<Word> {
  const block = Buffer.alloc(blockBytes)
  const found = new Set<Word>()
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const [start, end] of writable(pid)) {
      for (let at = start; at < end; at += blockBytes - search.longest) {
        const octets = block.subarray(0, readBlock(memory, block, at, end))
        if (octets.length === 0) break
        if (octets.equals(untouched.subarray(0, octets.length))) continue
        for (const word of search.in(octets)) found.add(word)
      }
    }
  } finally {
    closeSync(memory)
  }
  return found
}

function writable(pid: number): Array<[start: number, end: number]> {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw.. /gm)
  return [...lines].map(([, start = '', end = '']) => [Number.parseInt(start, 16), Number.parseInt(end, 16)])
}

/** What was unmapped since the maps were read is passed over. */
function readBlock(memory: number, block: Buffer, at: number, end: number): number {
  try {
    return readSync(memory, block, 0, Math.min(blockBytes, end - at), at)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0
    throw error
  }
}
