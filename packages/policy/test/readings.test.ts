import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import findMyWay from 'find-my-way'
import { match } from 'path-to-regexp'
import { passed, rawPath, rules, writtenTargets } from './targets.ts'

const numRuns = 20_000

/** Paths that a backend has beside those that are exposed: a target that is read as one of them has got past the rules. */
const beside = ['/:one', '/:one/:two', '/:one/:two/:three', '/:one/:two/:three/:four']

/** The segments for which a rule has no text. */
function open(rule: string, path: string): string[] {
  const parts = rule.split('/')
  return path.split('/').filter((_, at) => parts[at] === undefined || parts[at] === '*' || parts[at] === '**')
}

test('what passes a rule is read as the same path by a URL parser', () => {
  fc.assert(
    fc.property(writtenTargets, (written) => {
      const through = passed(written)
      if (through === undefined) return
      for (const url of [new URL(through.target, 'http://h'), new URL(`http://h${through.target}`)]) {
        assert.equal(url.pathname, rawPath(through.target))
        assert.equal(url.host, 'h')
        assert.equal(url.hash, '')
      }
    }),
    { numRuns },
  )
})

/** A router of the library, with a route for each rule and one for what is beside: answers with the route and its parameters. */
type Router = (path: string) => { readonly route: string; readonly values: readonly string[] } | undefined

function findMyWayRouter(): Router {
  const router = findMyWay()
  const ways = (rule: string) => (rule.endsWith('/**') ? [rule.slice(0, -3), `${rule.slice(0, -3)}/*`] : [rule])
  const named = (way: string) => way.replaceAll('/*/', '/:a/').replace(/^(\/files)\/\*$/, '$1/:a')
  for (const { path } of rules)
    for (const way of ways(path)) router.on('GET', decodeURI(named(way)), () => {}, { route: path })
  for (const path of beside) router.on('GET', path, () => {}, { route: path })
  return (target) => {
    const found = router.find('GET', target)
    if (found === null) return undefined
    const { route } = found.store as { route: string }
    return { route, values: Object.values(found.params).flatMap((value) => (value ?? '').split('/')) }
  }
}

function pathToRegexpRouter(): Router {
  const named = (rule: string) =>
    rule
      .replace(/\/\*\*$/, '{/*rest}')
      .replaceAll('/*/', '/:a/')
      .replace(/\/\*$/, '/:a')
  const routes = [...rules.map(({ path }) => path), ...beside].map((route) => ({ route, asks: match(named(route)) }))
  return (target) => {
    for (const { asks, route } of routes) {
      const found = asks(rawPath(target))
      if (found !== false) return { route, values: Object.values(found.params).flatMap((value) => value ?? []) }
    }
    return undefined
  }
}

for (const [library, router] of [
  ['find-my-way', findMyWayRouter()],
  ['path-to-regexp', pathToRegexpRouter()],
] as const) {
  test(`what passes a rule is read as the same path by ${library}`, () => {
    const met = new Set<string>()
    fc.assert(
      fc.property(writtenTargets, (written) => {
        const through = passed(written)
        if (through === undefined) return
        const { rule, target } = through
        const found = router(target)
        assert.equal(found?.route, rule.path, target)
        const values = open(rule.path, rawPath(target)).map(decodeURIComponent).filter(Boolean)
        assert.deepEqual(found?.values.filter(Boolean), values, target)
        met.add(rule.path)
      }),
      { numRuns },
    )
    assert.equal(met.size, rules.length, 'each rule was passed')
  })
}
