import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const blockBytes = 256 * 1024
/** Most of what is mapped was never written. */
const untouched = Buffer.alloc(blockBytes)

/**
 * Which of the words a process holds anywhere in its writable memory, as octets or as UTF-16. What a process has never
 * been told cannot be there.
 */
export function heldInMemory(pid: number, words: readonly (string | Uint8Array)[]): Array<string | Uint8Array> {
  const forms = words.map((word) =>
    typeof word === 'string' ? [Buffer.from(word), Buffer.from(word, 'utf16le')] : [Buffer.from(word)],
  )
  const overlap = Math.max(...forms.flat().map(({ length }) => length))
  const block = Buffer.alloc(blockBytes)
  const found = new Set<string | Uint8Array>()
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const [start, end] of writable(pid)) {
      for (let at = start; at < end; at += blockBytes - overlap) {
        const octets = block.subarray(0, readBlock(memory, block, at, end))
        if (octets.length === 0) break
        if (octets.equals(untouched.subarray(0, octets.length))) continue
        for (const [index, word] of words.entries())
          if (forms[index]?.some((form) => octets.includes(form))) found.add(word)
      }
    }
  } finally {
    closeSync(memory)
  }
  return [...found]
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
