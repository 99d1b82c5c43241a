import type { MessageStream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

type Hears = (event: { readonly data: Uint8ArrayList }) => void

/** What the decorator needs of a stream (@libp2p/utils 7.4.1, abstract-message-stream.js). */
interface Inner {
  readonly readStatus: string
  readBuffer: Uint8ArrayList
  dispatchReadBuffer(): void
  safeDispatchEvent(type: string, detail?: object): boolean
  listenerCount(type: string): number
}

/**
 * Decorates a stream so that its messages go to whoever listens by a call. As published (@libp2p/utils 7.4.1) each
 * message is an `Event` of the platform at every layer it passes, and each send makes one that nobody listens to.
 * Only for a stream to whose messages nobody has listened yet; who listens with options is served as published.
 */
export function callDirectly(stream: MessageStream): void {
  const inner = stream as unknown as Inner
  const dispatchReadBuffer = inner.dispatchReadBuffer.bind(inner)
  const safeDispatchEvent = inner.safeDispatchEvent.bind(inner)
  const add = stream.addEventListener.bind(stream)
  const remove = stream.removeEventListener.bind(stream)
  let hearing: readonly Hears[] = []

  stream.addEventListener = (type: string, listener: unknown, ...options: unknown[]) => {
    if (
      type === 'message' &&
      options.length === 0 &&
      typeof listener === 'function' &&
      !hearing.includes(listener as Hears)
    )
      hearing = [...hearing, listener as Hears]
    return (add as (...args: unknown[]) => void)(type, listener, ...options)
  }
  stream.removeEventListener = (type: string, listener: unknown, ...options: unknown[]) => {
    if (type === 'message') hearing = hearing.filter((each) => each !== listener)
    return (remove as (...args: unknown[]) => void)(type, listener, ...options)
  }
  inner.safeDispatchEvent = (type, detail) => inner.listenerCount(type) === 0 || safeDispatchEvent(type, detail)
  inner.dispatchReadBuffer = () => {
    const data = inner.readBuffer
    if (
      data.byteLength > 0 &&
      inner.readStatus === 'readable' &&
      hearing.length > 0 &&
      hearing.length === inner.listenerCount('message')
    ) {
      inner.readBuffer = new Uint8ArrayList()
      for (const hears of hearing) hears({ data })
    }
    // What is left to do without a message, or with one that is to wait.
    dispatchReadBuffer()
  }
}
