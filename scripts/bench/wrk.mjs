import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./wrk.lua', import.meta.url))
const answerS = 30
const graceS = 10

/**
 * Loads a URL through one thread and `connections` connections for `seconds`, and yields what came of it:
 * `{ requests, seconds, errors, meanMs, p50Ms, p99Ms }`. With `uploadBytes`, each request is a POST of so many octets.
 */
export async function wrk({ workshop, tools, url, connections, seconds, uploadBytes }) {
  const args = [
    ['-t', 1],
    ['-c', connections],
    ['-d', `${seconds}s`],
    ['--timeout', `${answerS}s`],
    ['-s', script],
  ].flat()
  const upload = uploadBytes === undefined ? [] : ['--', uploadBytes]
  const ms = (seconds + answerS + graceS) * 1000
  const text = await workshop.run(ms, tools.wrk.path, [...args, url, ...upload].map(String))
  const line = text.split('\n').find((each) => each.startsWith('{'))
  if (line === undefined) throw new Error(`wrk said nothing of ${url}:\n${text}`)
  const report = JSON.parse(line)
  if (report.requests === 0) throw new Error(`no request to ${url} was answered within ${seconds} s`)
  return report
}
