import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Capture } from './capture.ts'
import type { Word } from './forms.ts'
import { addressOf, backendOf, egressNames, type HostName, innerAddressOf } from './hosts.ts'
import { mark, service } from './marks.ts'
import { heldInMemory } from './memory.ts'
import { ingressNames, type NetMesh } from './mesh.ts'
import type { MeshNode } from './node.ts'
import { Search } from './search.ts'

const columns = [
  "client's address",
  'which ingress',
  'service name',
  'request and answer',
  'egress peer id',
  'egress address',
  'backend address',
] as const
type Column = (typeof columns)[number]

/** `yes`: learns all of it; `no`: nothing of it; `own`: its own, and nothing of another's. */
type Cell = 'yes' | 'no' | 'own'
type Row = readonly [Cell, Cell, Cell, Cell, Cell, Cell, Cell]

const nothing: Row = ['no', 'no', 'no', 'no', 'no', 'no', 'no']

/** Who learns what. The cells of a row are in the order of the columns. */
export const table = {
  ingress: ['yes', 'own', 'yes', 'yes', 'yes', 'no', 'no'],
  'entry relay': ['no', 'yes', 'no', 'no', 'no', 'no', 'no'],
  guard: ['no', 'no', 'no', 'no', 'yes', 'yes', 'no'],
  'any other relay': ['no', 'no', 'no', 'no', 'no', 'no', 'no'],
  egress: ['yes', 'yes', 'yes', 'yes', 'own', 'own', 'own'],
  'revoked or expired member': nothing,
  'non-member': nothing,
} as const satisfies Readonly<Record<string, Row>>

export type Party = keyof typeof table

/** Something to learn: what is in a column, of one host where it is of one. */
export interface Fact {
  readonly column: Column
  readonly whose?: HostName
  readonly words: readonly Word[]
  /** The host whose packets tell it. */
  readonly end?: HostName
}

/** The ingress that comes later, and with a credential that ends soon. */
export const brief = 'ingress-3'

/** All that there is to learn in a mesh, in which `brief` runs too. */
export function factsOf(mesh: NetMesh): Fact[] {
  return [
    { column: "client's address", words: [addressOf.client], end: 'client' },
    ...([...ingressNames, brief] as const).map((whose) => {
      const words = [...peerWords(mesh.node(whose)), ...addressWords(whose)]
      return { column: 'which ingress', whose, words, end: whose } as const
    }),
    { column: 'service name', words: [service] },
    { column: 'request and answer', words: [mark] },
    ...egressNames.flatMap((whose) => {
      const end = backendOf[whose]
      const addresses = [...addressWords(whose), innerAddressOf[whose]]
      return [
        { column: 'egress peer id', whose, words: peerWords(mesh.node(whose)) },
        { column: 'egress address', whose, words: addresses, end: whose },
        { column: 'backend address', whose, words: [addressOf[end]], end },
      ] as const
    }),
  ]
}

/** A peer id as text and as octets, and the name in its credential. */
function peerWords({ issued, peer, publicKey }: MeshNode): Word[] {
  return [peer, publicKey, issued.credentialName]
}

/** An address as text, and as octets of a multiaddr on TCP. */
function addressWords(host: HostName): Word[] {
  return [addressOf[host], Buffer.of(0x04, ...addressOf[host].split('.').map(Number), 0x06)]
}

/** Somebody who may learn something: from what his host receives, or in his process and its log. */
export interface Learner {
  readonly host: HostName
  readonly capture?: Capture
  readonly node?: MeshNode
}

/** What a learner has learnt against the row of a party, and what he has not learnt although the row says so. */
export function judge(
  party: Party,
  learner: Learner,
  facts: readonly Fact[],
): { against: string[]; missing: string[] } {
  const words = facts.flatMap((fact) => fact.words)
  const places = [...placesOf(learner, words)]
  const against: string[] = []
  const missing: string[] = []
  for (const fact of facts) {
    const title = `${fact.column} ${fact.whose ?? ''}`
    const found = places.flatMap(([place, held]) =>
      [...fact.words, fact.end].filter((word) => held.has(word)).map((word) => `${title}: ${String(word)} ${place}`),
    )
    const may = mayLearn(party, learner.host, fact)
    if (may && found.length === 0) missing.push(title)
    if (!may) against.push(...found)
  }
  return { against, missing }
}

/** Where a learner has which of the words. Throws when a place does not show himself: it is not what it seems then. */
function* placesOf(
  { capture, host, node }: Learner,
  words: readonly Word[],
): Iterable<readonly [place: string, held: ReadonlySet<Word | undefined>]> {
  if (capture !== undefined) {
    yield ['on packets', shows(capture.ends('ip or ip6'), host)]
    yield ['received', new Search(words).in(capture.octets())]
  }
  if (node !== undefined) {
    const search = new Search([...words, node.peer])
    yield ['logged', shows(search.in(Buffer.from(node.log)), node.peer)]
    yield ['in memory', shows(heldInMemory(node.process.pid, search), node.peer)]
  }
}

function shows<T>(held: ReadonlySet<T>, himself: T): ReadonlySet<T> {
  if (!held.has(himself)) throw new Error(`nothing was found of ${String(himself)} himself`)
  return held
}

function mayLearn(party: Party, host: HostName, { column, whose }: Fact): boolean {
  const cell: Cell | undefined = table[party][columns.indexOf(column)]
  return cell === 'yes' || (cell === 'own' && whose === host)
}

/** Facts that the folder of a node does not tell by itself. */
export function newsTo({ issued }: MeshNode, facts: readonly Fact[]): Fact[] {
  const files = globSync(['*.{json,yaml}', 'state/*.jws'], { cwd: issued.folder })
  const told = Buffer.concat(files.map((file) => readFileSync(join(issued.folder, file))))
  return facts.filter(({ words }) => new Search(words).in(told).size === 0)
}

/** The table as it stands in the design notes, `true` for whatever is not a plain no. */
export function documented(): Record<string, boolean[]> {
  const notes = readFileSync(new URL('../../docs/design.md', import.meta.url), 'utf8')
  const lines = notes.split('\n').filter((line) => line.startsWith('| '))
  const header = lines.findIndex((line) => line === `| who | ${columns.join(' | ')} |`)
  const rows = lines
    .slice(header + 1, header + 1 + Object.keys(table).length)
    .map((line) => line.split('|').slice(1, -1))
  return Object.fromEntries(rows.map(([who = '', ...cells]) => [who.trim(), cells.map((cell) => cell.trim() !== 'no')]))
}
