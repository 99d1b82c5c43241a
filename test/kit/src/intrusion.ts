import type { Connection } from '@libp2p/interface'
import { Initiator } from '@postern/exchange'
import { streamPipe } from '@postern/mesh/testing'
import { type ExchangeFailureCode, protocolId, type RequestHead } from '@postern/protocol'

/** The status of an answer, or how the exchange failed. */
export type Intruded = number | ExchangeFailureCode

/** Opens a trunk as an ingress does, whoever we are, and sends a request on it that an ingress could send. */
export async function intrude(connection: Connection): Promise<Intruded> {
  const stream = await connection.newStream(protocolId.exchange)
  const initiator = new Initiator(streamPipe(stream))
  const ignore = () => {}
  const outcome = await new Promise<Intruded>((resolve) =>
    initiator.open(head, {
      interim: ignore,
      response: ({ status }) => resolve(status),
      body: ignore,
      end: ignore,
      reset: resolve,
      writable: ignore,
    }),
  )
  initiator.close()
  return outcome
}

const head: RequestHead = {
  service: 'api',
  method: 'GET',
  scheme: 'http',
  authority: 'api.example',
  target: '/intrusion',
  fields: [],
  context: { requestId: 'i', client: '', trace: '', subject: '', authentication: '', scopes: '', budgetMs: 0 },
  upgrade: false,
  end: true,
}
