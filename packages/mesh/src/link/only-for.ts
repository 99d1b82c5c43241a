import type { StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import type { PeerName } from '@postern/protocol'

/** The part of libp2p's registrar that is meant here. */
export interface StreamRegistrar {
  handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
}

/**
 * Keeps a protocol for some peers: streams that others open are aborted before its handler sees them. Must be called
 * before the handler is registered. (libp2p's own `use` adds the handler to the middleware once more with each stream.)
 */
export function onlyFor(registrar: StreamRegistrar, protocol: string, allowed: (peer: PeerName) => boolean): void {
  const handle = registrar.handle.bind(registrar)
  registrar.handle = (name, handler, options) => handle(name, name === protocol ? guarded(handler) : handler, options)
  const guarded =
    (handler: StreamHandler): StreamHandler =>
    (stream, connection) => {
      if (allowed(connection.remotePeer.toString())) return handler(stream, connection)
      stream.abort(new Error('this protocol is not for the peer'))
    }
}
