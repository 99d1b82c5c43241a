import { egressSchema } from '@postern/egress'
import { ingressSchema } from '@postern/ingress'
import { logLevels } from '@postern/observe'
import { type Role, roles } from '@postern/protocol'
import { z } from 'zod'

const address = z
  .string()
  .regex(/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+$/, 'must be a multiaddr like /ip4/0.0.0.0/tcp/4001')

const relaySchema = z.strictObject({
  listen: z.array(address).min(1).describe('multiaddrs where this relay listens'),
  announce: z.array(address).default([]).describe('multiaddrs that others are told, where they differ from listen'),
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
  drainMs: z.int().min(0).default(10_000).describe('how long a stopping node lets exchanges finish, in ms'),
  relay: relaySchema.optional(),
  ingress: ingressSchema.optional(),
  egress: egressSchema.optional(),
  authority: z
    .strictObject({
      folder: z.string().describe('folder of the authority; this node answers invites and renewals with its keys'),
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
