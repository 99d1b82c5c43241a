import { egressSchema } from '@postern/egress/schema'
import { maxGraceMs, usualGraceMs } from '@postern/identity/grace'
import { ingressSchema } from '@postern/ingress/schema'
import {
  leastBulletinsPerMinute,
  leastPerSecond,
  defaultRelayLimits as usual,
  usualWithheldMs,
} from '@postern/mesh/limits'
import { logLevels } from '@postern/observe/levels'
import { portProblem, type Role, roles } from '@postern/protocol'
import { z } from 'zod'

const address = z
  .string()
  .regex(/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+$/, 'must be a multiaddr like /ip4/0.0.0.0/tcp/4001')
  .refine((text) => portProblem(text) === undefined, { error: ({ input }) => portProblem(String(input)) })

const atLeast = (least: number, usually: number, meaning: string) =>
  z.int().min(least).default(usually).describe(meaning)

const relayLimitsSchema = z.strictObject({
  circuits: atLeast(
    1,
    usual.circuits,
    'circuits at a time, of all neighbours; beyond it one that is idle gives way to that of a neighbour with fewer, or more are answered BUSY',
  ),
  circuitsPerNeighbour: atLeast(
    1,
    usual.circuitsPerNeighbour,
    'circuits at a time of one neighbour; of a relay, which carries those of many, 8 times as many',
  ),
  circuitsPerSecond: atLeast(
    leastPerSecond,
    usual.circuitsPerSecond,
    'new circuits of one neighbour, after circuitsPerNeighbour at once; of a relay, which carries those of many, 8 times as many',
  ),
  bufferBytes: atLeast(
    4 * 1024 * 1024,
    usual.bufferBytes,
    'octets that circuits hold here together while nobody reads them further on; beyond it the heaviest of the neighbour that holds most ends',
  ),
  dialsPerNeighbour: atLeast(
    1,
    usual.dialsPerNeighbour,
    'relays that are dialled at a time for circuits of one neighbour, for a relay 8 times as many; more are answered BUSY',
  ),
  bytesPerSecond: z
    .int()
    .min(65_536)
    .optional()
    .describe('octets relayed for one neighbour, for a relay 8 times as many; more wait (default: no limit)'),
  lookupsPerSecond: atLeast(
    leastPerSecond,
    usual.lookupsPerSecond,
    'lookups of one neighbour, after ten times as many at once; over circuits of a relay 8 times as many',
  ),
  registrationsPerSecond: atLeast(
    1,
    usual.registrationsPerSecond,
    'registrations of one egress, after four times recordsPerEgress at once',
  ),
  recordsPerEgress: atLeast(
    1,
    usual.recordsPerEgress,
    'records that one egress may register: one for each service, twice as many around midnight UTC, when ids change, and twice as many while the mesh secret is replaced',
  ),
  bulletinsPerMinute: atLeast(
    leastBulletinsPerMinute,
    usual.bulletinsPerMinute,
    'bulletins from one neighbour; more wait',
  ),
})

const relaySchema = z.strictObject({
  listen: z.array(address).min(1).describe('multiaddrs where this relay listens'),
  announce: z.array(address).default([]).describe('multiaddrs that others are told, where they differ from listen'),
  limits: relayLimitsSchema.prefault({}),
})

/** The whole config of a node; paths in it are relative to the folder of the file. */
export const configSchema = z.strictObject({
  mesh: z.string().default('mesh.json').describe('mesh file'),
  state: z.string().default('state').describe('folder of the node key, the credential and what the node remembers'),
  admin: z
    .strictObject({
      socket: z.string().optional().describe('local admin socket, mode 0600 (default: admin.sock in the state folder)'),
    })
    .prefault({}),
  log: z.strictObject({ level: z.enum(logLevels).default('info') }).prefault({}),
  workers: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe(
      'threads for the HTTP sides of an ingress and an egress, for a host with cores to spare; 0 for the one of all the rest',
    ),
  drainMs: z.int().min(0).default(10_000).describe('how long a stopping node lets exchanges finish, in ms'),
  renewalGraceMs: z
    .int()
    .min(0)
    .max(maxGraceMs)
    .default(usualGraceMs)
    .describe(
      'how long after its end a credential is still good to ask for another, and for nothing else: a relay lets its holder as far as the authority, an authority renews it unless it was revoked; 0 for not at all, in ms',
    ),
  freshness: z
    .strictObject({
      staleMs: atLeast(
        1000,
        3600_000,
        'time without a heartbeat of the authority, in which it says which bulletin is the newest, after which this node warns, in ms; where no node of the role authority has ever been heard, it does not',
      ),
      strict: z
        .boolean()
        .default(false)
        .describe(
          'make and take no call after that time, and before the first heartbeat: who is revoked may not be known',
        ),
      withheldMs: atLeast(
        100,
        usualWithheldMs,
        'how long the relays linked here have to pass on a bulletin that the far end of a circuit has passed on, before this node warns that it was withheld, and hands it to them, in ms',
      ),
    })
    .prefault({}),
  relay: relaySchema.optional(),
  ingress: ingressSchema.optional(),
  egress: egressSchema.optional(),
  authority: z
    .strictObject({
      folder: z.string().describe('folder of the authority; this node answers invites and renewals with its keys'),
      heartbeatMs: atLeast(
        1000,
        300_000,
        'how often this node says which bulletin is the newest, in ms; well below freshness.staleMs of every node',
      ),
      maxLifeMs: z
        .int()
        .min(60_000)
        .default(7 * 24 * 3600_000)
        .describe(
          'the longest life of a credential that this node renews, in ms: short, because it is renewed at two thirds of it; one that was issued for less stays at that',
        ),
    })
    .optional(),
})

type Parsed = z.infer<typeof configSchema>

/** A config that was checked: every value there, every path absolute. */
export type Config = Omit<Parsed, 'admin'> & { readonly admin: { readonly socket: string } }

/** Roles that a config asks for. */
export function rolesOf(config: Pick<Parsed, Role>): Role[] {
  return roles.filter((role) => config[role] !== undefined)
}

/** JSON Schema of the config file, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input' })
}
