import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { meshOf } from '@postern/test-kit'
import type { Opened, Target } from '../../../test/fuzz/target.ts'

/** What a relay's admin socket answers to the octets, behind which the operator ends its half. */
async function openAdmin(): Promise<Opened> {
  const mesh = await meshOf({ relays: 1, ingresses: 0, egresses: 0, backends: [] })
  const path = mesh.relays[0]?.node.parts.config.admin.socket ?? assert.fail()
  return {
    seeds: ['/status', '/ready', '/peers', '/services', '/trace/api', '/trace/%41', '/constructor'].map((asked) =>
      Buffer.from(`GET ${asked} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`),
    ),
    async read(octets) {
      const socket = connect({ path })
      const pieces: Buffer[] = []
      socket.on('data', (piece: Buffer) => pieces.push(piece))
      // A server that closes before it has read everything resets the connection.
      socket.on('error', () => {})
      const closed = once(socket, 'close')
      socket.end(octets)
      await closed
      const text = Buffer.concat(pieces).toString('latin1')
      assert.match(text, /^($|HTTP\/1\.1 [1-5]\d\d )/)
      return /^HTTP\/1\.1 (200|404|500)/.test(text)
    },
    close: () => mesh[Symbol.asyncDispose](),
  }
}

export const nodeTargets: readonly Target[] = [{ name: 'admin', maxBytes: 32 * 1024, whole: false, open: openAdmin }]
