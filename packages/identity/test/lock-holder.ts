import { systemClock } from '@postern/protocol'
import { exclusively } from '../src/publish.ts'

/** A process of its own that holds an authority's folder, says so, and lets go when it is told to. */
const [folder = ''] = process.argv.slice(2)
await exclusively(folder, systemClock, async () => {
  process.send?.('held')
  await new Promise((resolve) => process.once('message', resolve))
})
process.disconnect?.()
