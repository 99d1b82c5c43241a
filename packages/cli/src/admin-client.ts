import { type Code, http, PosternError } from '@postern/protocol'

const answerMs = 30_000
const maxAnswerBytes = 16 * 1024 * 1024

/** Asks a running node through its admin socket. Throws NOT_RUNNING, or what the node answers. */
export function askNode(socketPath: string, path: string, method = 'GET'): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = http.request({ socketPath, path, method, timeout: answerMs }, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        chunks.push(chunk)
        if (size > maxAnswerBytes) asked.destroy(new Error('the answer is too long'))
      })
      response.on('end', () => {
        const value = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
          code: Code
          message: string
          remedy?: string
        }
        if (response.statusCode === 200) resolve(value)
        else
          reject(
            new PosternError(value.code, value.message, value.remedy === undefined ? {} : { remedy: value.remedy }),
          )
      })
    })
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')))
    asked.on('error', (cause) => {
      reject(
        new PosternError('NOT_RUNNING', `no node answers at ${socketPath}`, {
          cause,
          remedy: 'start it with `postern up`, or name its config with --config',
        }),
      )
    })
    asked.end()
  })
}
