import { initialCredit } from '@postern/exchange'
import { exposeSchema } from '@postern/policy'
import { isServiceName, portProblem } from '@postern/protocol'
import { z } from 'zod'

const backend = z
  .url({
    protocol: /^https?$/,
    error: ({ input }) => portProblem(String(input)) ?? 'must be an http or https URL',
    abort: true,
  })
  .refine(isOrigin, 'must be no more than http(s)://HOST:PORT')

/** Whether nothing of the URL would be left unused: no path, no query, no user. */
function isOrigin(text: string): boolean {
  const { href, origin } = new URL(text)
  return href === `${origin}/`
}

export const serviceSchema = z.strictObject({
  backends: z.array(backend).min(1).max(64).describe('where the API listens, as this host reaches it'),
  expose: exposeSchema,
  connections: z.int().min(1).max(10_000).default(256).describe('connections to one backend at most'),
  connectionsPerClient: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('connections to one backend for the requests of one client address (default: half of connections)'),
  queue: z
    .int()
    .min(0)
    .max(100_000)
    .default(1024)
    .describe('requests that may wait for a connection to one backend; more are answered with BUSY'),
  tunnels: z
    .int()
    .min(1)
    .max(100_000)
    .default(10_000)
    .describe('connections at a time that were switched to another protocol, as WebSockets are'),
  requestBufferBytes: z
    .int()
    .min(1)
    .max(initialCredit)
    .default(16_384)
    .describe('content of a request that is gathered before it takes a connection to a backend'),
  requestBufferMs: z
    .int()
    .min(0)
    .default(1000)
    .describe('time after which content whose length is unknown is sent on as it comes, in ms'),
  connectMs: z.int().min(1).default(3000).describe('time for a connection to a backend, in ms'),
  answerMs: z
    .int()
    .min(1)
    .default(60_000)
    .describe('time for the head of an answer, in ms; a shorter budget of the entrance wins'),
  idleMs: z.int().min(1).default(300_000).describe('time without an octet of an answer, in ms'),
  stalledMs: z
    .int()
    .min(1)
    .default(30_000)
    .describe('time after which an answer that nobody reads is ended, while requests wait for its connection, in ms'),
})

export const egressSchema = z.strictObject({
  services: z.record(z.string().refine(isServiceName, 'must be a DNS label: a-z, 0-9 and -'), serviceSchema),
  bufferBytes: z
    .int()
    .min(4 * 1024 * 1024)
    .default(64 * 1024 * 1024)
    .describe(
      'octets of heads and content that all exchanges hold together, while a backend or an ingress does not take them; beyond it the heaviest is given up',
    ),
})

export type ServiceConfig = z.infer<typeof serviceSchema>
export type EgressConfig = z.infer<typeof egressSchema>
