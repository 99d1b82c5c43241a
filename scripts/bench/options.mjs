import { accessSync, constants } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { scenarios, usual } from './scenarios.mjs'
import { always, sides } from './sides.mjs'

const others = sides.map(({ name }) => name).filter((name) => !always.includes(name))

const help = `npm run bench [-- OPTIONS]

Measures a mesh (ingress, relay, egress) beside other chains of three before the same backend, in turns, and then what
the mesh does under further loads, all on this machine. It takes about 25 minutes, and needs Linux and the system
packages wrk, nginx and openssl. With haproxy and stunnel4 there are further chains to compare with.

Options:
  --quick          short windows, two turns, only the comparison with the nginx chain: under a minute
  --long           ten minutes of the main load too, for what memory comes to
  --only NAME,…    only these scenarios
  --list           say what scenarios there are
  --sides NAME,…   what to compare with beside the nginx chain: ${others.join(', ')}; default all, quick none
  --turns N        turns of every comparison, and starts
  --seconds N      seconds of every window, and of every time that something is held (services: at least 15)
  --json FILE      write all figures to FILE as JSON
  --svg FILE       write a plot of them to FILE
  --docs           write docs/performance.json, docs/performance.svg and the figures of docs/performance.md
  -h, --help       show this

There is no way without a relay to compare with: an egress opens no port, so nothing but a relay reaches it.

Examples:
  npm run bench
  npm run bench -- --quick --json before.json
  npm run bench -- --only relays,startup --turns 3

Exit codes: 0 measured, 1 something failed or requests failed under load, 2 used wrongly or a system package is missing.
`

/**
 * Reads the command line: `{ quick, long, only, sides, turns, seconds, json, svg, docs }`, where `only` has the names of
 * the scenarios to run, and `sides` those of the chains beside the nginx chain. Ends the process for --help and --list,
 * and for what it does not know.
 */
export function readOptions(args) {
  const { help: wantsHelp, list, ...options } = parseOrExit(args)
  if (wantsHelp) tell(help)
  if (list) tell(scenarios.map(({ name, what }) => `${name.padEnd(12)}${what}\n`).join(''))
  return options
}

function parseOrExit(args) {
  try {
    return parse(args)
  } catch (error) {
    process.stderr.write(`${error.message}\nSee \`npm run bench -- --help\`.\n`)
    return process.exit(2)
  }
}

/** What {@link readOptions} yields, with `help` and `list`. Throws for what it does not know. */
export function parse(args) {
  const flag = { type: 'boolean', default: false }
  const text = { type: 'string' }
  const { values } = parseArgs({
    args,
    options: {
      quick: flag,
      long: flag,
      list: flag,
      docs: flag,
      help: { ...flag, short: 'h' },
      only: text,
      sides: text,
      turns: text,
      seconds: text,
      json: text,
      svg: text,
    },
  })
  const names = scenarios.map(({ name }) => name)
  const { quick, long, list, docs, help: wantsHelp } = values
  return {
    quick,
    long,
    list,
    docs,
    help: wantsHelp,
    only: values.only === undefined ? usual(values) : listed('--only', values.only, names),
    sides: values.sides === undefined ? (values.quick ? [] : others) : listed('--sides', values.sides, others),
    turns: whole('--turns', values.turns),
    seconds: whole('--seconds', values.seconds),
    json: writable('--json', values.json),
    svg: writable('--svg', values.svg),
  }
}

function tell(text) {
  process.stdout.write(text)
  process.exit(0)
}

function listed(option, value, known) {
  const names = value.split(',').filter((name) => name !== '')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`${option} knows no ${unknown}; there are ${known.join(', ')}`)
  return known.filter((name) => names.includes(name))
}

function whole(option, value) {
  if (value === undefined) return undefined
  if (!/^[1-9]\d{0,4}$/.test(value)) throw new Error(`${option} takes a whole number, 1 or more`)
  return Number(value)
}

/** The whole path of a file, named from where the user is: npm runs scripts in the folder of the package. */
function writable(option, file) {
  if (file === undefined) return undefined
  if (file === '') throw new Error(`${option} needs the name of a file`)
  const path = resolve(process.env.INIT_CWD ?? '.', file)
  accessSync(dirname(path), constants.W_OK)
  return path
}
