import { request } from 'node:http'
import { json } from 'node:stream/consumers'

/** Asks a node through its admin socket, which network namespaces do not part. */
export function askAdmin(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, agent: false }, (response) => {
      json(response).then(resolve, reject)
    })
      .on('error', reject)
      .end()
  })
}
