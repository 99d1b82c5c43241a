import { request } from 'node:http'

const answerMs = 20_000

/** One HTTP exchange over a connection of its own: `{ status, body }`. Throws when it fails or takes too long. */
export function ask(options, content) {
  return new Promise((resolve, reject) => {
    const asked = request({ agent: false, ...options, signal: AbortSignal.timeout(answerMs) }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }))
    })
    asked.on('error', reject)
    asked.end(content)
  })
}
