import type { MultiaddrConnection } from '@libp2p/interface'

interface Carrying {
  onData(data: { byteLength: number }): void
  sendData(data: { byteLength: number }): unknown
}

/** Decorates the connection below a link so that `passed` hears of every octet that goes either way. */
export function tally(connection: MultiaddrConnection, passed: (bytes: number) => void): void {
  const inner = connection as unknown as Carrying
  const onData = inner.onData.bind(inner)
  const sendData = inner.sendData.bind(inner)
  inner.onData = (data) => {
    passed(data.byteLength)
    onData(data)
  }
  inner.sendData = (data) => {
    passed(data.byteLength)
    return sendData(data)
  }
}
