import { Chacha20Poly1305 } from '@hpke/chacha20poly1305'
import { CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { ed25519 } from '@noble/curves/ed25519.js'
import { rawPublicKeyOf } from '@postern/identity'
import { layerSize, type PeerName, slotSize } from '@postern/protocol'

/**
 * HPKE base mode (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305) to a hop's peer id key in its Montgomery form
 * (RFC 7748 section 4.1), so that a hop needs no second key and a route no directory of them.
 */
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Chacha20Poly1305(),
})

const info = new TextEncoder().encode('postern route 1')
const replyLabel = new TextEncoder().encode('postern route reply 1')
const encSize = 32

export interface Sealed {
  /** One slot of a route. */
  readonly slot: Buffer
  /** A key that only the sealer and the hop share, for one answer (as RFC 9458 section 4.4 makes one). */
  readonly replyKey: Buffer
}

/** Seals the octets of one layer to a hop. */
export async function sealLayer(hop: PeerName, layer: Buffer): Promise<Sealed> {
  if (layer.length !== layerSize) throw new RangeError('a layer has a fixed size')
  const key = new Uint8Array(ed25519.utils.toMontgomery(rawPublicKeyOf(hop)))
  const recipientPublicKey = await suite.kem.deserializePublicKey(key.buffer)
  const sender = await suite.createSenderContext({ recipientPublicKey, info })
  const sealed = await sender.seal(layer)
  const slot = Buffer.concat([new Uint8Array(sender.enc), new Uint8Array(sealed)], slotSize)
  return { slot, replyKey: Buffer.from(await sender.export(replyLabel, 32)) }
}

export interface Opened {
  readonly layer: Buffer
  readonly replyKey: Buffer
}

/** Opens slots that were sealed to one node. */
export class SlotOpener {
  readonly #key: Promise<CryptoKey>

  /** Takes the node's Ed25519 seed, 32 octets. */
  constructor(seed: Uint8Array) {
    const secret = new Uint8Array(ed25519.utils.toMontgomerySecret(seed))
    this.#key = suite.kem.deserializePrivateKey(secret.buffer)
  }

  /** Undefined when the slot was sealed to another hop, or altered. */
  async open(slot: Uint8Array): Promise<Opened | undefined> {
    try {
      const enc = new Uint8Array(slot.subarray(0, encSize)).buffer
      const recipient = await suite.createRecipientContext({ recipientKey: await this.#key, enc, info })
      const layer = Buffer.from(await recipient.open(new Uint8Array(slot.subarray(encSize))))
      return { layer, replyKey: Buffer.from(await recipient.export(replyLabel, 32)) }
    } catch {
      return undefined
    }
  }
}
