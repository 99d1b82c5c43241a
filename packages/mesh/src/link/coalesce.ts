import type { MessageStream } from '@libp2p/interface'
import { atEndOfTurn, type rank } from '@postern/protocol'
import { Uint8ArrayList } from 'uint8arraylist'

/** What is gathered leaves at once when it fills one Noise message, or four records of TLS. */
const fullBytes = 65_519
/** Below this mean size of a piece, copying costs less than enciphering piece by piece. */
const smallPiece = 2048

/**
 * Decorates an encrypted stream so that everything sent within one turn of the event loop leaves as one message.
 * `send` keeps its meaning: false asks to wait for `drain`, which the stream itself emits.
 * The carrier below must not close before what was gathered has left, so closing it flushes.
 */
export function coalesce(
  stream: MessageStream,
  carrier: { close(options?: object): Promise<void> },
  at: (typeof rank)['circuit' | 'link'],
): void {
  const send = stream.send.bind(stream)
  const writable = () => (stream as MessageStream & { writeStatus: string }).writeStatus === 'writable'
  const closeCarrier = carrier.close.bind(carrier)
  let pieces: Uint8Array[] = []
  let bytes = 0

  const flush = (): void => {
    if (bytes === 0) return
    const message =
      bytes / pieces.length < smallPiece ? Buffer.concat(pieces, bytes) : Uint8ArrayList.fromUint8Arrays(pieces, bytes)
    pieces = []
    bytes = 0
    if (!writable()) return
    try {
      send(message)
    } catch {
      // The carrier closes: the stream has aborted itself, and whoever listens to it hears of that.
    }
  }

  stream.send = (data) => {
    if (!writable()) return send(data)
    if (bytes === 0) atEndOfTurn(at, flush)
    if (data instanceof Uint8Array) pieces.push(data)
    else pieces.push(...data)
    bytes += data.byteLength
    if (bytes >= fullBytes) flush()
    return !stream.writableNeedsDrain
  }

  carrier.close = async (options) => {
    flush()
    await closeCarrier(options)
  }
}
