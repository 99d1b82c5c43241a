import { json } from 'node:stream/consumers'
import { type PryOrder, pry } from '@postern/test-kit'

/** A relay that asks, as a program: an order on standard input, what it got on standard output. */
if (import.meta.main) {
  process.stdout.write(JSON.stringify(await pry((await json(process.stdin)) as PryOrder)))
}
