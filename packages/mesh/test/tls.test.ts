import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type {
  ComponentLogger,
  Logger,
  MultiaddrConnection,
  PrivateKey,
  SecuredConnection,
  Upgrader,
} from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { generateKey } from '@postern/identity'
import { LinkTls } from '../src/link/tls.ts'

const mebibyte = 1024 * 1024
const nothing = () => {}
const quietLogger = (): Logger =>
  Object.assign(nothing, { error: nothing, trace: nothing, enabled: false, newScope: quietLogger })
const quiet: ComponentLogger = { forComponent: quietLogger }
const newKey = () => generateKey().libp2p

/** libp2p's TCP with nothing on top of it: dials, and listens at a port of its own. */
function transport(t: TestContext) {
  const made = tcp()({ logger: quiet })
  const bare = async (connection: MultiaddrConnection) => connection
  return {
    dial: (address: Multiaddr): Promise<MultiaddrConnection> =>
      made.dial(address, {
        upgrader: { upgradeOutbound: bare } as unknown as Upgrader,
        signal: t.signal,
      }) as unknown as Promise<MultiaddrConnection>,
    async listen(heard: (connection: MultiaddrConnection) => unknown): Promise<Multiaddr> {
      const upgrader = { upgradeInbound: async (connection: MultiaddrConnection) => heard(connection) }
      const listener = made.createListener({ upgrader: upgrader as unknown as Upgrader })
      await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
      t.after(() => listener.close())
      const [address] = listener.getAddrs()
      assert.ok(address)
      return address
    },
  }
}

/** A listener with a key, and what becomes of the first link to it. */
async function listening(t: TestContext, key: PrivateKey) {
  const tls = new LinkTls(key)
  const secured = Promise.withResolvers<SecuredConnection>()
  secured.promise.catch(() => {})
  const net = transport(t)
  const address = await net.listen((connection) => tls.secure(connection).then(secured.resolve, secured.reject))
  return {
    address,
    dial: () => net.dial(address),
    secured: secured.promise,
    port: Number(address.toString().split('/')[4]),
  }
}

async function linked(t: TestContext) {
  const [nearKey, farKey] = [newKey(), newKey()]
  const { dial, secured } = await listening(t, farKey)
  const near = await new LinkTls(nearKey).secure(await dial())
  return { near, far: await secured, nearKey, farKey }
}

const peerOf = (key: PrivateKey) => peerIdFromPrivateKey(key).toString()

test('each side of a link learns who the other is', async (t) => {
  const { far, farKey, near, nearKey } = await linked(t)
  assert.equal(near.remotePeer.toString(), peerOf(farKey))
  assert.equal(far.remotePeer.toString(), peerOf(nearKey))
})

test('what was said before a close arrives whole, however much it is', async (t) => {
  const { far, near } = await linked(t)
  let octets = 0
  far.connection.addEventListener('message', ({ data }) => {
    octets += data.byteLength
  })
  const closed = once(far.connection, 'close')
  for (let at = 0; at < 40; at++) near.connection.send(Buffer.alloc(mebibyte, at))
  await near.connection.close()
  await closed
  assert.equal(octets, 40 * mebibyte)
})

test('a side that pauses holds the other back', async (t) => {
  const { far, near } = await linked(t)
  far.connection.addEventListener('message', () => {})
  far.connection.pause()
  while (near.connection.send(Buffer.alloc(mebibyte))) await new Promise(setImmediate)
  const drained = once(near.connection, 'drain')
  far.connection.resume()
  await drained
})

test('an abort at one side is the end at both', async (t) => {
  const { far, near } = await linked(t)
  const closed = once(far.connection, 'close')
  near.connection.abort(new Error('enough'))
  await closed
  assert.notEqual(far.connection.status, 'open')
})

test('whoever dials one peer and meets another goes no further', async (t) => {
  const { dial } = await listening(t, newKey())
  const connection = await dial()
  const remotePeer = peerIdFromPrivateKey(newKey())
  await assert.rejects(new LinkTls(newKey()).secure(connection, { remotePeer }), { name: 'UnexpectedPeerError' })
})

test('who shows no certificate is refused', async (t) => {
  const { port, secured } = await listening(t, newKey())
  const stranger = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {})
  t.after(() => stranger.destroy())
  await assert.rejects(secured, { code: 'CREDENTIAL_INVALID' })
})

test('an older TLS is refused', async (t) => {
  const { port, secured } = await listening(t, newKey())
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' } as const
  const stranger: TLSSocket = connectTls(options).on('error', () => {})
  t.after(() => stranger.destroy())
  await assert.rejects(secured, { code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' })
})

test('what is no TLS is refused', async (t) => {
  const { port, secured } = await listening(t, newKey())
  const stranger: Socket = connectSocket(port, '127.0.0.1').on('error', () => {})
  stranger.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n')
  await assert.rejects(secured, { code: 'ERR_SSL_HTTP_REQUEST' })
})

test('one that says nothing is left when the time is up', async (t) => {
  const net = transport(t)
  const refused = Promise.withResolvers<unknown>()
  const tls = new LinkTls(newKey())
  const address = await net.listen((connection) => {
    void tls.secure(connection, { signal: AbortSignal.timeout(50) }).catch((error: unknown) => refused.resolve(error))
  })
  const connection = await net.dial(address)
  const closed = once(connection, 'close')
  assert.equal(((await refused.promise) as Error).name, 'TimeoutError')
  await closed
})

test('nothing in the clear tells of libp2p, or of whom one dials', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  const connected = once(server, 'connection')
  const connection = await transport(t).dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}`))
  const [socket] = (await connected) as [Socket]
  const [key, other] = [newKey(), newKey()]
  const link = new LinkTls(key).secure(connection, { remotePeer: peerIdFromPrivateKey(other) })
  const [hello] = (await once(socket, 'data')) as [Buffer]
  const text = hello.toString('latin1')
  for (const word of ['libp2p', 'localhost', '127.0.0.1', 'yamux', 'postern', peerOf(key), peerOf(other)])
    assert.ok(!text.includes(word), word)
  socket.destroy()
  await assert.rejects(link)
})
