import { noise } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, MessageStream, MultiaddrConnection, SecuredConnection } from '@libp2p/interface'
import { protocolId } from '@postern/protocol'
import { fromString } from 'uint8arrays'
import { callDirectly } from '../link/direct.ts'
import { type MembershipInit, proveMembership } from '../link/membership.ts'
import { wholeMessages } from '../link/noise-messages.ts'

type NoiseComponents = Parameters<ReturnType<typeof noise>>[0]

/** Noise between the ends of a circuit, with the mesh's id in its prologue and the check of membership inside. */
export function circuitEncrypter(init: MembershipInit): (components: NoiseComponents) => ConnectionEncrypter {
  const prologueBytes = fromString(`postern ${init.member.mesh.id}`)
  return (components) => {
    const ends = noise({ prologueBytes })(components)
    const admit = async <S extends SecuredConnection>(secured: S, carrier: MessageStream, signal?: AbortSignal) => {
      callDirectly(secured.connection)
      wholeMessages(secured.connection)
      await proveMembership(secured, carrier as MultiaddrConnection, init, { signal })
      return secured
    }
    return {
      protocol: protocolId.ends,
      [Symbol.toStringTag]: '@postern/circuit-encrypter',
      secureInbound: async (stream, options) =>
        await admit(await ends.secureInbound(stream, options), stream, options?.signal),
      secureOutbound: async (stream, options) =>
        await admit(await ends.secureOutbound(stream, options), stream, options?.signal),
    } as ConnectionEncrypter
  }
}
