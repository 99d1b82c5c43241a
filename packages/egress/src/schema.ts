import { exposeSchema } from '@postern/policy'
import { isServiceName } from '@postern/protocol'
import { z } from 'zod'

const backend = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL', abort: true })
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
  connectMs: z.int().min(1).default(3000).describe('time for a connection to a backend, in ms'),
  answerMs: z
    .int()
    .min(1)
    .default(60_000)
    .describe('time for the head of an answer, in ms; a shorter budget of the entrance wins'),
  idleMs: z.int().min(1).default(300_000).describe('time without an octet of an answer, in ms'),
})

export const egressSchema = z.strictObject({
  services: z.record(z.string().refine(isServiceName, 'must be a DNS label: a-z, 0-9 and -'), serviceSchema),
})

export type ServiceConfig = z.infer<typeof serviceSchema>
export type EgressConfig = z.infer<typeof egressSchema>
