import { arrivalFieldNames, isToken } from '@postern/protocol'
import { z } from 'zod'
import { isPlainPath } from './path.ts'

const method = z.string().regex(/^(\*|[!#$%&'+\-.^_`|~0-9A-Z]+)$/, 'must be a method in capitals, or *')
/** Characters that mean the same whether they are percent-encoded or not: a path has them as they are. */
const encodedUnreserved = /%(?:2[de]|3[0-9]|[46][1-9a-f]|5[0-9af]|7[0-9ae])/i

const path = z
  .string()
  .startsWith('/')
  .refine((text) => !/\*\*./.test(text), '** may only stand at the end')
  .refine((text) => !/[^/*]\*|\*[^/*]|\*{3}/.test(text), '* must stand alone between two slashes')
  .refine((text) => !/[?#]/.test(text), 'must be a path without query')
  .refine(
    (text) => isPlainPath(text) && !encodedUnreserved.test(text),
    "must be a path as RFC 3986 has it, which no reader takes for another: percent-encode what is neither a letter nor a digit nor one of -._~!$&'()+,=:@, and nothing else; no //, /./ or /../",
  )

const protocol = z
  .string()
  .regex(/^[!#$%&'*+\-.^_`|~0-9a-z]+(\/[!#$%&'*+\-.^_`|~0-9a-z]+)?$/, 'must be a protocol name in lower case')
  .refine((name) => name !== 'h2c' && !name.startsWith('h2c/'), 'h2c would open the whole backend to whoever asks')

const written: readonly string[] = arrivalFieldNames

const clientField = z
  .string()
  .refine((name) => isToken(name) && name === name.toLowerCase(), 'must be a field name in lower case')
  .refine((name) => !written.includes(name.replace(/[^a-z0-9]/g, '-')), 'is written by the entrance, never by a client')

/** One kind of request that a service takes. `*` in a path stands for one segment, `**` at its end for any rest. */
export const exposeRuleSchema = z.strictObject({
  methods: z.array(method).min(1).describe('methods that are let through; * for any'),
  path: path.describe('path: exact, with * for one whole segment, or with ** at the end for any rest'),
  upgrades: z
    .array(protocol)
    .default(['websocket'])
    .describe('protocols that a connection may be switched to (Upgrade); h2c never'),
  fields: z
    .array(clientField)
    .optional()
    .describe(
      'request fields that clients may set though they speak of where a request comes from, of another path or method, or of who calls (like x-real-ip or x-http-method-override), or hold more than letters, digits and hyphens; such fields are dropped otherwise',
    ),
})

export const exposeSchema = z
  .array(exposeRuleSchema)
  .min(1)
  .describe('what of the backend is offered; everything else is answered with 404 and never reaches it')

export type ExposeRule = z.infer<typeof exposeRuleSchema>
