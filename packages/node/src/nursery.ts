import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Octets that may pass between two collections of young objects. */
const betweenBytes = 2 * 1024 * 1024

/**
 * Hears of the octets that a node passes on, and frees the buffers they came in. A buffer lies outside the heap until
 * the small object that holds it is collected, and a young generation has room for gigabytes of such objects. That
 * generation keeps the size that starting the process has made it, a few MB, where it would grow to 48.
 */
export function nursery(): (bytes: number) => void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (how: { type: 'minor' }) => void
  const collectYoung = () => collect({ type: 'minor' })
  let passed = 0
  return (bytes) => {
    passed += bytes
    if (passed < betweenBytes) return
    passed = 0
    setImmediate(collectYoung)
  }
}
