import { request } from 'node:http'
import { json, text } from 'node:stream/consumers'
import { addressOf, type HostName } from './hosts.ts'

export interface Visit {
  /** The ingress; the first unless said otherwise. */
  readonly at?: HostName
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Octets that follow the body. */
  readonly paddingBytes?: number
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** A client of the ingresses, as a program: visits on standard input, answers on standard output. */
function visit({ at = 'ingress-1', body, headers = {}, method, paddingBytes = 0, path }: Visit): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: addressOf[at], port: 8080, method, path, headers, agent: false }, (response) => {
      text(response).then(
        (answer) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer }),
        reject,
      )
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : body + '.'.repeat(paddingBytes))
  })
}

if (import.meta.main) {
  const answers: Answer[] = []
  for (const order of (await json(process.stdin)) as readonly Visit[]) answers.push(await visit(order))
  process.stdout.write(JSON.stringify(answers))
}
