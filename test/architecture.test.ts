import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { test } from 'node:test'

interface Source {
  /** From the root of the checkout, with `/` between folders. */
  readonly file: string
  readonly text: string
}

type Manifests = ReadonlyMap<
  string,
  { readonly name: string; readonly dependencies?: Readonly<Record<string, string>> }
>

/** The staircase of packages: an import may only go down. */
const stairs: Readonly<Record<string, { readonly step: number; readonly imports: readonly string[] }>> = {
  protocol: { step: 0, imports: [] },
  identity: { step: 1, imports: ['protocol'] },
  exchange: { step: 1, imports: ['protocol'] },
  policy: { step: 1, imports: ['protocol'] },
  mesh: { step: 2, imports: ['protocol', 'identity'] },
  ingress: { step: 3, imports: ['protocol', 'exchange', 'policy'] },
  egress: { step: 3, imports: ['protocol', 'exchange', 'policy'] },
  observe: { step: 3, imports: ['protocol'] },
  node: {
    step: 4,
    imports: ['protocol', 'identity', 'exchange', 'policy', 'mesh', 'ingress', 'egress', 'observe'],
  },
  cli: { step: 5, imports: ['protocol', 'identity', 'node'] },
}
const folders = Object.keys(stairs)
const nameOf = (folder: string) => (folder === 'cli' ? 'postern' : `@postern/${folder}`)
const below = (folder: string) => stairs[folder]?.imports.map(nameOf) ?? []

/** Roles and the mesh, which know nothing of each other. */
const apart = ['ingress', 'egress', 'mesh']

/** Which packages of libp2p a package may import. */
const libp2pOf: Readonly<Record<string, RegExp>> = {
  mesh: /^/,
  identity: /^@libp2p\/(crypto|interface|peer-id)$/,
}

/** What the mesh is built from: each is in use, not merely listed. */
const foundations = [
  'libp2p',
  '@chainsafe/libp2p-noise',
  '@chainsafe/libp2p-yamux',
  '@libp2p/kad-dht',
  '@libp2p/tcp',
  'it-pipe',
  'uint8arrays',
]

const maxLines = 300
const root = join(import.meta.dirname, '..')

function read(...patterns: readonly string[]): Source[] {
  const files = globSync([...patterns], { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path) })
  assert.ok(files.length > 0, `no file is like ${patterns.join(', ')}`)
  return files.map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
}

const folderOf = (file: string) => file.split('/')[1] ?? ''

/** Everything that a source imports, as it is written there. */
function importsOf(text: string): string[] {
  const pattern = /\b(?:from\s*|import\s*|import\(\s*)['"]([^'"\n]+)['"]/g
  return [...text.matchAll(pattern)].map(([, specifier = '']) => specifier)
}

interface Import {
  /** The source and what it imports, for people. */
  readonly said: string
  readonly from: string
  /** `@scope/name` or `name`. */
  readonly name: string
}

/** Imports of packages; not those of node's own, nor of files beside. */
function packagesOf(list: readonly Source[]): Import[] {
  return list.flatMap(({ file, text }) =>
    importsOf(text)
      .filter((specifier) => !/^(\.|node:)/.test(specifier))
      .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'))
      .map((name) => ({ name, from: folderOf(file), said: `${file} imports ${name}` })),
  )
}

const said = (imports: readonly Import[]) => imports.map((each) => each.said)

/** Imports of a package of the workspace that does not stand below. */
function wrongSteps(list: readonly Source[]): string[] {
  const within = packagesOf(list).filter(({ name }) => name === 'postern' || name.startsWith('@postern/'))
  return said(within.filter(({ from, name }) => !below(from).includes(name)))
}

function undeclared(list: readonly Source[]): string[] {
  return said(packagesOf(list).filter(({ from, name }) => manifests.get(from)?.dependencies?.[name] === undefined))
}

/** Imports of files of another package, past its door. */
function trespasses(list: readonly Source[]): string[] {
  return list.flatMap(({ file, text }) => {
    const own = `packages/${folderOf(file)}/src/`
    return importsOf(text)
      .filter((name) => name.startsWith('.') && !posix.join(posix.dirname(file), name).startsWith(own))
      .map((name) => `${file} imports ${name}`)
  })
}

/** Imports of the words and the wire that are not node's. */
function beyondNode(list: readonly Source[]): string[] {
  return list
    .filter(({ file }) => folderOf(file) === 'protocol')
    .flatMap(({ text }) => importsOf(text))
    .filter((name) => !name.startsWith('.') && !(name.startsWith('node:') && isBuiltin(name)))
}

function strayLibp2p(list: readonly Source[]): string[] {
  const libp2p = packagesOf(list).filter(({ name }) => /^(libp2p$|@libp2p\/|@chainsafe\/)/.test(name))
  return said(libp2p.filter(({ from, name }) => !(libp2pOf[from]?.test(name) ?? false)))
}

function tooLong(list: readonly Source[]): string[] {
  return list.filter(({ text }) => text.trimEnd().split('\n').length > maxLines).map(({ file }) => file)
}

/** Ways around the types: `any`, compiler directives, and assertions that something is there. */
const shortcuts = linesLike(
  /(:|\bas|<)\s*any\b(?!['"])|\bany\[\]|[\w)\]]!($|[.,;:)\]}[(])|^@ts-(ignore|expect-error|nocheck)/,
)
/** Tests that are left out, and waits that are no waits for an event. */
const excuses = linesLike(
  /\b(test|it|describe|suite)\.(skip|only|todo)\b|\b(skip|only|todo):\s|\bsetTimeout(\(\s*(r|resolve|done)\b|.*timers\/p)/,
)

function linesLike(pattern: RegExp): (list: readonly Source[]) => string[] {
  return (list) =>
    list.flatMap(({ file, text }) =>
      text
        .split('\n')
        .map((line) => line.trim().replace(/^(\/\/|\/?\*\*?)\s*(?=@ts-)/, ''))
        .filter((line) => pattern.test(line.replace(/(^|\s)\/\/.*|^\/?\*.*/, '')))
        .map((line) => `${file}: ${line}`),
    )
}

const sources = read('packages/*/src/**/*.ts')
const tests = read('packages/*/test/**/*.ts', 'test/**/*.ts')
const manifests: Manifests = new Map(
  read('packages/*/package.json').map(({ file, text }) => [folderOf(file), JSON.parse(text)]),
)

/** Checks that each bad sample is found out on its own. */
function finds(check: (list: readonly Source[]) => readonly string[], samples: ReadonlyArray<[string, string]>): void {
  for (const [folder, text] of samples)
    assert.equal(check([{ file: `packages/${folder}/src/sample.ts`, text }]).length, 1, `${folder}: ${text}`)
}

test('every package has its place on a staircase that goes down', () => {
  assert.deepEqual([...manifests.keys()].toSorted(), folders.toSorted())
  for (const [folder, { imports, step }] of Object.entries(stairs))
    for (const lower of imports) assert.ok((stairs[lower]?.step ?? step) < step, `${folder} stands above ${lower}`)
  for (const [folder, { dependencies = {}, name }] of manifests) {
    assert.equal(name, nameOf(folder))
    const others = Object.keys(dependencies).filter((other) => /^(postern$|@postern\/)/.test(other))
    assert.deepEqual(
      others.filter((other) => !below(folder).includes(other)),
      [],
      `${name} declares what is not below it`,
    )
  }
})

test('an import only goes down, and roles and the mesh never import each other', () => {
  assert.deepEqual(wrongSteps(sources), [])
  for (const one of apart) for (const other of apart) assert.ok(!below(one).includes(nameOf(other)))
  finds(wrongSteps, [
    ['protocol', `import { b } from '@postern/identity'`],
    ['mesh', `import type { B } from '@postern/ingress'`],
    ['ingress', `export * from '@postern/egress/testing'`],
    ['egress', `const b = await import('@postern/mesh')`],
    ['cli', `import '@postern/mesh'`],
    ['node', `import { run } from 'postern'`],
  ])
})

test('only what a package declares is imported there, and other packages through their door', () => {
  assert.deepEqual(undeclared(sources), [])
  finds(undeclared, [
    ['policy', `import ws from 'ws'`],
    ['policy', `import { readFileSync } from 'fs'`],
    ['policy', `import fc from 'fast-check'`],
  ])
  assert.deepEqual(trespasses(sources), [])
  finds(trespasses, [['mesh', `import { b } from '../../egress/src/b.ts'`]])
})

test('the words and the wire stand on node alone', () => {
  assert.deepEqual(beyondNode(sources), [])
  finds(beyondNode, [
    ['protocol', `import { z } from 'zod'`],
    ['protocol', `import { z } from 'node:zod'`],
  ])
})

test('libp2p is imported by the mesh, and its keys and ids by the identity', () => {
  assert.deepEqual(strayLibp2p(sources), [])
  finds(strayLibp2p, [
    ['node', `import { createLibp2p } from 'libp2p'`],
    ['identity', `import { tcp } from '@libp2p/tcp'`],
    ['egress', `import { noise } from '@chainsafe/libp2p-noise'`],
  ])
  const used = new Set(packagesOf(sources).map(({ name }) => name))
  for (const name of foundations) assert.ok(used.has(name), `${name} is imported nowhere`)
})

test('no file is over 300 lines', () => {
  assert.deepEqual(tooLong([...sources, ...tests, ...read('scripts/**/*.{mjs,ts}', 'packages/*/bin/*')]), [])
  finds(tooLong, [['mesh', 'x\n'.repeat(maxLines + 1)]])
})

test('no source goes around its types', () => {
  assert.deepEqual(shortcuts(sources), [])
  finds(shortcuts, [
    ['mesh', 'const a: any = 1'],
    ['mesh', 'f(a as any)'],
    ['mesh', 'a!.b'],
    ['mesh', 'const b = map.get(a)!'],
    ['mesh', '// @ts-ignore'],
  ])
})

test('every package has a test, and no test sleeps or is left out', () => {
  const tested = new Set(tests.map(({ file }) => /^packages\/(\w+)\/.*\.test\.ts$/.exec(file)?.[1]))
  for (const folder of folders) assert.ok(tested.has(folder), `${folder} has no test`)
  assert.deepEqual(excuses(tests), [])
  const bad = ['test.s_kip("x", f)', 'describe.o_nly("x", f)', 'test("x", { t_odo: true }, f)', 's_etTimeout(r, 100)']
  for (const line of bad) finds(excuses, [['mesh', line.replace('_', '')]])
})
