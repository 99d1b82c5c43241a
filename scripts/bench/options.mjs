import { accessSync, constants } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const help = `npm run bench [-- OPTIONS]

Measures requests per second, CPU per request, latency and bulk transfer of a mesh (ingress, relay, egress) against a
chain of three nginx with TLS between them, in turns and before the same backend, all on this machine. It takes about
seven minutes, and needs Linux and the system packages wrk, nginx and openssl.

Options:
  --quick        short windows and two turns: under a minute, for a first look
  --json FILE    write the figures to FILE as JSON too
  -h, --help     show this

Examples:
  npm run bench
  npm run bench -- --quick
  npm run bench -- --json before.json

Exit codes: 0 measured, 1 failed or requests failed under load, 2 used wrongly or a system package is missing.
`

/** Reads the command line: `{ quick, json }`. Ends the process for --help, and for what it does not know. */
export function readOptions(args) {
  let values
  try {
    values = parseArgs({
      args,
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
    if (values.json === '') throw new Error('--json needs the name of a file')
    if (values.json !== undefined) values.json = writable(values.json)
  } catch (error) {
    process.stderr.write(`${error.message}\nSee \`npm run bench -- --help\`.\n`)
    process.exit(2)
  }
  if (values.help) {
    process.stdout.write(help)
    process.exit(0)
  }
  return { quick: values.quick, json: values.json }
}

/** The whole path of a file, named from where the user is: npm runs scripts in the folder of the package. */
function writable(file) {
  const path = resolve(process.env.INIT_CWD ?? '.', file)
  accessSync(dirname(path), constants.W_OK)
  return path
}
