import assert from 'node:assert/strict'
import { openSync, writeSync } from 'node:fs'
import { Campaign } from './campaign.ts'
import { Coverage } from './coverage.ts'
import { keptVectors } from './vectors.ts'

/** What the parent process sends: a reader to try, for so long. */
interface Order {
  readonly target: string
  readonly ms: number
}

const tellMs = 200

// The sources are loaded while they are counted, and not before.
const coverage = new Coverage()
const { targets } = await import('./targets.ts')
const caseFile = openSync(process.argv[2] ?? assert.fail('needs a file for what is being read'), 'w')
let campaign: Campaign | undefined

const tell = (message: unknown) => process.send?.(message)

/** Writes what is about to be read behind its length, so that it is known should it end or hold up the process. */
function note(octets: Uint8Array): void {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(octets.byteLength)
  writeSync(caseFile, Buffer.concat([length, octets]), 0, undefined, 0)
}

async function obey({ ms, target }: Order): Promise<void> {
  const chosen = targets.find(({ name }) => name === target) ?? assert.fail(`no reader ${target}`)
  const opened = await chosen.open()
  const corpus = [...opened.seeds, ...keptVectors(target).values()]
  let toldMs = 0
  let last = { runs: 0, corpus: corpus.length }
  campaign = new Campaign(opened, {
    corpus,
    maxBytes: chosen.maxBytes,
    coverage,
    events: {
      reads: note,
      read(runs, size) {
        last = { runs, corpus: size }
        if (performance.now() - toldMs < tellMs) return
        toldMs = performance.now()
        tell({ kind: 'progress', ...last })
      },
      found(octets, error) {
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
        tell({ kind: 'found', octets: Buffer.from(octets).toString('base64'), reason })
      },
    },
  })
  await campaign.run(performance.now() + ms)
  await opened.close?.()
  tell({ kind: 'done', ...last })
}

process.on('uncaughtException', (error) => campaign?.crashed(error))
process.on('message', (order: Order) => void obey(order))
process.on('disconnect', () => process.exit())
tell({ kind: 'ready', targets: targets.map(({ name }) => name) })
