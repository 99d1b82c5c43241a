import type { MessageStream } from '@libp2p/interface'
import { PosternError } from '@postern/protocol'
import { Uint8ArrayList } from 'uint8arraylist'

const lengthBytes = 2
const tagBytes = 16
/** Noise specification, section 3: a message is at most 65 535 octets, its tag among them. */
const maxPlainBytes = 65_535 - tagBytes

/** What the decorator needs of a Noise stream (@chainsafe/libp2p-noise 17.0.0, utils.js). */
interface NoiseStream {
  handshake: {
    encrypt(plain: Uint8ArrayList | Uint8Array): Uint8ArrayList | Uint8Array
    decrypt(message: Uint8Array): Uint8ArrayList | Uint8Array
  }
  decoder: { buffer: Uint8ArrayList; decode(octets: Uint8ArrayList | Uint8Array): Iterable<Uint8Array> }
  encrypt(plain: Uint8ArrayList | Uint8Array): Uint8ArrayList
  decrypt(message: Uint8Array): Uint8ArrayList | Uint8Array
}

function isNoise(stream: object): stream is NoiseStream {
  return 'handshake' in stream && 'decoder' in stream && 'encrypt' in stream && 'decrypt' in stream
}

/**
 * Decorates a Noise stream so that it enciphers and deciphers each message in one piece. As published
 * (@chainsafe/libp2p-noise 17.0.0) it does so piece by piece, copies a message once more that came in two pieces, and
 * throws, with a stack trace, after every last message of a read.
 */
export function wholeMessages(stream: MessageStream): void {
  if (!isNoise(stream)) return
  const { handshake } = stream
  stream.decoder = new MessageReader(stream.decoder.buffer)
  stream.decrypt = (message) => {
    if (message.byteLength < tagBytes) throw new PosternError('BAD_MESSAGE', 'a Noise message without a tag')
    return handshake.decrypt(message)
  }
  stream.encrypt = (plain) => {
    const out = new Uint8ArrayList()
    for (let at = 0; at < plain.byteLength; at += maxPlainBytes) {
      const octets = plain.subarray(at, Math.min(at + maxPlainBytes, plain.byteLength))
      // A list, of which the cipher makes one: of an array it makes an array, by one copy more.
      const message = handshake.encrypt(new Uint8ArrayList(octets))
      const length = Buffer.allocUnsafe(lengthBytes)
      length.writeUInt16BE(message.byteLength)
      out.append(length, message)
    }
    return out
  }
}

/** Cuts what arrives into messages, each of one piece. Holds less than one message, and what came with it. */
class MessageReader {
  readonly buffer: Uint8ArrayList

  constructor(buffer: Uint8ArrayList) {
    this.buffer = buffer
  }

  decode(octets: Uint8ArrayList | Uint8Array): Uint8Array[] {
    const rest = this.buffer
    rest.append(octets)
    const messages: Uint8Array[] = []
    while (rest.byteLength >= lengthBytes) {
      const end = lengthBytes + ((rest.get(0) << 8) | rest.get(1))
      if (rest.byteLength < end) break
      if (end > lengthBytes) messages.push(rest.subarray(lengthBytes, end))
      rest.consume(end)
    }
    return messages
  }
}
