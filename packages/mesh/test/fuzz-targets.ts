import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { generateCertificate, verifyPeerCertificate } from '@libp2p/tls/utils'
import { inviteSecretOf, knockMaskOf } from '@postern/identity'
import {
  decodeLayer,
  type End,
  encodeLayer,
  encodeMessage,
  encodeSealedRecords,
  knockHeadSize,
  layerSize,
  lookupAnswerSize,
  maxDirectoryMessage,
  routeSize,
  sealedRecordSize,
  slotSize,
} from '@postern/protocol'
import { type Opened, succeeds, type Target } from '../../../test/fuzz/target.ts'
import { fixedKey } from '../../identity/test/fixed-key.ts'
import { guardsIn, openLookup, recordsIn, sealLookup } from '../src/circuit/answer.ts'
import { nextPeer, peel, sealRoute } from '../src/circuit/route.ts'
import { SlotOpener, sealLayer } from '../src/circuit/seal.ts'
import { messagesOf } from '../src/directory/messages.ts'
import { KnockJudge, makeKnock } from '../src/link/knock.ts'
import { linkedPair } from './streams.ts'

const clock = { now: () => 1_700_000_000_000 }
const secret = Buffer.alloc(32, 1)
const mask = knockMaskOf(secret)
const untilMs = clock.now() + 60_000
const listener = '12D3KooWListener'
const hop = fixedKey(3)
const beyond = fixedKey(4)
const opener = new SlotOpener(hop.seed)
const end: End = { kind: 'end', purpose: 'lookup', subject: Buffer.alloc(32, 5) }
const hops = [hop, beyond].map((key, at) => ({
  peer: key.peerId.toString(),
  addresses: at === 0 ? [] : ['/ip4/192.0.2.1/tcp/4001', '/dns4/relay.example.net/tcp/4001'],
}))
const replyKey = Buffer.alloc(32, 6)

/** What a hop does with a route before it passes it on. */
async function pass(route: Uint8Array): Promise<boolean> {
  const opened = await opener.open(route.subarray(0, slotSize))
  const layer = opened === undefined ? undefined : decodeLayer(opened.layer)
  if (layer?.instruction.kind !== 'forward') return layer !== undefined
  assert.equal(peel(route, layer.instruction.key).length, routeSize)
  return nextPeer(layer.instruction) !== undefined
}

async function openRoute(): Promise<Opened> {
  const routes = await Promise.all([hops, hops.slice(0, 1)].map((each) => sealRoute(each, end, clock)))
  return {
    seeds: routes.map(({ octets }) => octets),
    read: async (octets) => octets.byteLength === routeSize && (await pass(octets)),
  }
}

async function openLayer(): Promise<Opened> {
  const { octets } = await sealRoute(hops, end, clock)
  const forward = (await opener.open(octets.subarray(0, slotSize)))?.layer ?? assert.fail()
  return {
    seeds: [forward, encodeLayer({ expiresMs: clock.now(), nonce: Buffer.alloc(16), instruction: end })],
    async read(layer) {
      if (layer.byteLength > layerSize) return false
      const whole = Buffer.concat([layer], layerSize)
      const { slot } = await sealLayer(hop.peerId.toString(), whole)
      return await pass(Buffer.concat([slot], routeSize))
    },
  }
}

const answers = [[Buffer.alloc(sealedRecordSize, 7)], []].map(encodeSealedRecords)
const told = [hops, []].map((relays) => encodeMessage({ relays }))
const reads = (octets: Uint8Array, what: (answer: Uint8Array) => unknown = recordsIn) =>
  succeeds((async () => void what(openLookup(octets, replyKey)))(), /^BAD_MESSAGE$/)

/** Messages of the directory off a stream of a real link, until the stream is over or breaks the rules. */
async function openMessages(): Promise<Opened> {
  const pair = await linkedPair()
  const framed = (octets: Buffer) =>
    Buffer.concat([Buffer.of((octets.length & 0x7f) | 0x80, octets.length >> 7), octets])
  return {
    seeds: [
      Buffer.concat(told.map(framed)),
      Buffer.concat([Buffer.of(0x80, 0x80, 1), Buffer.alloc(maxDirectoryMessage)]),
    ],
    async read(octets) {
      const [near, far] = await pair.open()
      const messages = messagesOf(far)
      near.send(octets)
      near.close().catch(() => {})
      let read = 0
      try {
        for (; ; read++) assert.ok((await messages.read()).byteLength <= maxDirectoryMessage)
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error
        far.abort(new Error('done'))
        return read > 0
      }
    },
    close: () => pair[Symbol.asyncDispose](),
  }
}

/** What a link believes of the certificate that TLS hands it: who the other side is, or an error. */
async function openCertificate(): Promise<Opened> {
  const { cert } = await generateCertificate(hop.libp2p)
  return {
    seeds: [new X509Certificate(cert).raw],
    async read(octets) {
      try {
        return (await verifyPeerCertificate(octets)).equals(hop.peerId)
      } catch (error) {
        assert.ok(error instanceof Error)
        return false
      }
    },
  }
}

export const meshTargets: readonly Target[] = [
  {
    name: 'knock-judge',
    maxBytes: knockHeadSize,
    whole: true,
    open: () => ({
      seeds: [
        makeKnock({ secret, mask }, listener, clock.now()).subarray(0, knockHeadSize),
        makeKnock({ secret: inviteSecretOf(secret, untilMs), mask, untilMs }, listener, clock.now()).subarray(
          0,
          knockHeadSize,
        ),
      ],
      read: (octets) =>
        typeof new KnockJudge({ heard: () => [secret], clock, ageMs: () => 60_000 }, listener).judge(octets) !==
        'string',
    }),
  },
  { name: 'sealed-route', maxBytes: routeSize, whole: true, open: openRoute },
  { name: 'sealed-layer', maxBytes: layerSize, whole: true, open: openLayer },
  {
    name: 'lookup-sealed',
    maxBytes: sealLookup(Buffer.alloc(0), replyKey).length,
    whole: true,
    open: () => ({ seeds: answers.map((answer) => sealLookup(answer, replyKey)), read: (octets) => reads(octets) }),
  },
  {
    name: 'lookup-records',
    maxBytes: lookupAnswerSize,
    whole: true,
    open: () => ({
      seeds: answers,
      read: async (octets) => octets.byteLength <= lookupAnswerSize && (await reads(sealLookup(octets, replyKey))),
    }),
  },
  {
    name: 'lookup-guards',
    maxBytes: lookupAnswerSize,
    whole: true,
    open: () => ({
      seeds: told,
      read: async (octets) =>
        octets.byteLength <= lookupAnswerSize && (await reads(sealLookup(octets, replyKey), guardsIn)),
    }),
  },
  { name: 'link-certificate', maxBytes: 4096, whole: false, open: openCertificate },
  { name: 'directory-messages', maxBytes: 3 * maxDirectoryMessage, whole: false, open: openMessages },
]
