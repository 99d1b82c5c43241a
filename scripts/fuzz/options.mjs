import { parseArgs } from 'node:util'

const help = `npm run fuzz [-- OPTIONS]

Tries every reader of what strangers may write on octets that it has not seen: valid ones, changed, where those that
reach code that nothing has reached are changed further. A reader that throws, hangs, ends its process or allocates out
of proportion is a finding; its octets are kept in test/fuzz/vectors, which \`npm test\` reads again.

Options:
  --seconds N      how long, all readers together (default: 300)
  --target NAME    only this reader; may be given more than once
  --json           write the result to stdout as JSON, and what is going on to stderr
  -h, --help       show this

Examples:
  npm run fuzz
  npm run fuzz -- --seconds 60
  npm run fuzz -- --target frames --target hello --seconds 600

Exit codes: 0 nothing found, 1 something found, 2 used wrongly.
`

/** Reads the command line: `{ seconds, targets, json }`. Ends the process for --help, and for what it does not know. */
export function readOptions(args) {
  let values
  try {
    values = parseArgs({
      args,
      options: {
        seconds: { type: 'string', default: '300' },
        target: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
    if (!/^[1-9]\d{0,6}$/.test(values.seconds)) throw new Error('--seconds needs a whole number above 0')
  } catch (error) {
    refuse(error.message)
  }
  if (values.help) {
    process.stdout.write(help)
    process.exit(0)
  }
  return { seconds: Number(values.seconds), targets: values.target, json: values.json }
}

/** Ends the process: it was used wrongly. */
export function refuse(message) {
  process.stderr.write(`${message}\nSee \`npm run fuzz -- --help\`.\n`)
  process.exit(2)
}
