import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./wrk.lua', import.meta.url))
const answerS = 30
const graceS = 10

/**
 * Loads a URL through one thread and `connections` connections for `seconds`, and yields what came of it:
 * `{ requests, seconds, errors, meanMs, p50Ms, p99Ms }`. With `uploadBytes`, each request is a POST of so many octets;
 * with `paths`, the requests ask in turn for so many paths, from `/r/00000` on.
 */
export async function wrk({ workshop, tools, url, connections, seconds, uploadBytes = 0, paths = 0 }) {
  const args = [
    ['-t', 1],
    ['-c', connections],
    ['-d', `${seconds}s`],
    ['--timeout', `${answerS}s`],
    ['-s', script],
    [url],
    ['--', uploadBytes, paths],
  ].flat()
  const ms = (seconds + answerS + graceS) * 1000
  const text = await workshop.run(ms, tools.wrk.path, args.map(String))
  const line = text.split('\n').find((each) => each.startsWith('{'))
  if (line === undefined) throw new Error(`wrk said nothing of ${url}:\n${text}`)
  const report = JSON.parse(line)
  if (report.requests === 0) throw new Error(`no request to ${url} was answered within ${seconds} s`)
  return report
}
