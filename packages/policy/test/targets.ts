import { readRequestTarget } from '@postern/protocol'
import fc from 'fast-check'
import { compileExposure, type ExposeRule, exposeSchema } from '../src/index.ts'

/** Rules beside which a backend has other paths, one segment apart. */
export const rules: readonly ExposeRule[] = exposeSchema.parse(
  ['/v1', '/v1/a', '/v1/*/photo', '/caf%C3%A9', '/files/*', '/public/**', '/a,b/**', '/x/'].map((path) => ({
    methods: ['GET'],
    path,
  })),
)

const pieces = [
  'v1',
  'a',
  'photo',
  'files',
  'public',
  'x',
  'a,b',
  'caf%C3%A9',
  'caf%c3%a9',
  'secret.txt',
  '.png',
  'admin',
  '~',
  ':',
  '@',
  '*',
  '%61',
  '%41',
  '%7E',
  '%2e',
  '%2E',
  '%2f',
  '%2F',
  '%5c',
  '%3b',
  '%3F',
  '%23',
  '%25',
  '%2',
  '%zz',
  '%',
  '%00',
  '%0a',
  '%09',
  '%C3%A9',
  '%c3',
  '%ff',
  '%c0%ae',
  '%252e',
  '%E2%80%AE',
  'é',
  'ı',
  '.',
  '..',
  '...',
  ';',
  ';x',
  '=',
  '&',
  '+',
  '	',
  '\n',
  '\r',
  ' ',
  '\\',
  '"',
  '<',
  '>',
  '|',
  '^',
  '`',
  '{',
  '}',
  '[',
  ']',
  '#',
  '?',
  '??',
  '\0',
  '',
  '\xA0',
].flat()
const segment = fc.array(fc.constantFrom(...pieces), { maxLength: 3 }).map((parts) => parts.join(''))
const separator = fc.constantFrom('/', '/', '/', '/', '//', '\\', '%2f', '/./', '/../')
const start = fc.constantFrom(
  '/',
  '/',
  '/',
  '/',
  '//',
  '',
  '*',
  'http://h/',
  'HTTP://h',
  'http:/',
  'http:',
  'h:80',
  '\\',
)

/** What a client may write as a target: mostly a little off something that a rule is for. */
export const writtenTargets = fc
  .tuple(
    start,
    fc.oneof(segment, fc.constantFrom('v1', 'v1/a', 'v1/7/photo', 'files', 'public', 'caf%C3%A9', 'x/', 'a,b')),
    fc.array(fc.tuple(separator, segment), { maxLength: 4 }),
    fc.constantFrom('', '', '?', '?a=b', "?a='b'&c=/..", '?a[]=1', '#.png', '#', '/', '/.png'),
  )
  .map(([first, second, rest, query]) => first + second + rest.flat().join('') + query)

const exposure = compileExposure(rules)

/** A target that has come in at the door and passes a rule: what the backend reads then. Undefined for one that does not. */
export function passed(written: string): { readonly target: string; readonly rule: ExposeRule } | undefined {
  const read = readRequestTarget('GET', written)
  const rule = read && exposure.permit('GET', read.target)?.rule
  return read === undefined || rule === undefined ? undefined : { target: read.target, rule }
}

/** The path of a target as it is written, without its query. */
export function rawPath(target: string): string {
  return target.split('?')[0] ?? ''
}
