import { createServer } from 'node:net'
import { PosternError } from '@postern/protocol'
import type { Config } from '../config.ts'

/** A place where a node is to listen. */
export interface Door {
  readonly host: string
  readonly port: number
}

/** Where the config tells the node to listen, but for those that may have any free port. */
export function doorsOf({ ingress, relay }: Config): Door[] {
  const links = (relay?.listen ?? []).map((address) => {
    const [, , host = '', , port = ''] = address.split('/')
    return { host, port: Number(port) }
  })
  const urls = (ingress?.listen ?? []).map((each) => {
    const { hostname, port, protocol } = new URL(each.url)
    const usual = protocol === 'https:' ? 443 : 80
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? usual : Number(port) }
  })
  return [...links, ...urls].filter(({ port }) => port !== 0)
}

/** Listens there for a moment. Throws ADDRESS_IN_USE. */
export function probePort(door: Door): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const held = cause.code === 'EADDRINUSE'
      const message = `${door.host}:${door.port}: ${held ? 'the port is taken' : (cause.code ?? cause.message)}`
      const remedy = held
        ? 'stop what listens there, or choose another port'
        : 'choose an address of this host and a port it may use'
      reject(new PosternError('ADDRESS_IN_USE', message, { cause, remedy }))
    })
    server.listen(door, () => server.close(() => resolve()))
  })
}
