import { z } from 'zod'

const method = z.string().regex(/^(\*|[!#$%&'+\-.^_`|~0-9A-Z]+)$/, 'must be a method in capitals, or *')
const path = z
  .string()
  .startsWith('/')
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII; percent-encode the rest')
  .refine((text) => !/\*\*./.test(text), '** may only stand at the end')

const protocol = z
  .string()
  .regex(/^[!#$%&'*+\-.^_`|~0-9a-z]+(\/[!#$%&'*+\-.^_`|~0-9a-z]+)?$/, 'must be a protocol name in lower case')
  .refine((name) => name !== 'h2c' && !name.startsWith('h2c/'), 'h2c would open the whole backend to whoever asks')

/** One kind of request that a service takes. `*` in a path stands for one segment, `**` at its end for any rest. */
export const exposeRuleSchema = z.strictObject({
  methods: z.array(method).min(1).describe('methods that are let through; * for any'),
  path: path.describe('path: exact, with * for one segment, or with ** at the end for any rest'),
  upgrades: z
    .array(protocol)
    .default(['websocket'])
    .describe('protocols that a connection may be switched to (Upgrade); h2c never'),
})

export const exposeSchema = z
  .array(exposeRuleSchema)
  .min(1)
  .describe('what of the backend is offered; everything else is answered with 404 and never reaches it')

export type ExposeRule = z.infer<typeof exposeRuleSchema>
