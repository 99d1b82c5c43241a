import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Octets that may pass between two collections of young objects. */
const betweenBytes = 2 * 1024 * 1024

/**
 * The young generation doubles until it has this size. In a smaller one, what a few hundred exchanges hold is taken for
 * old, and collecting it costs as much as the exchanges; without an end, it takes 48 MB.
 */
const youngBytes = 16 * 1024 * 1024

/**
 * Hears of the octets that a node passes on, and frees the buffers they came in. A buffer lies outside the heap until
 * the small object that holds it is collected, and a young generation has room for gigabytes of such objects. That
 * generation shrinks while a node is idle, and is to grow again afterwards.
 */
export function nursery(): (bytes: number) => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (how: { type: 'minor' }) => void
  const collectYoung = () => {
    collect({ type: 'minor' })
    setFlagsFromString(`--semi-space-growth-factor=${youngSize() < youngBytes ? 2 : 1}`)
  }
  let passed = 0
  return (bytes) => {
    passed += bytes
    if (passed < betweenBytes) return
    passed = 0
    setImmediate(collectYoung)
  }
}

function youngSize(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
}
