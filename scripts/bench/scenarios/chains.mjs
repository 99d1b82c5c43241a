import { startBackend } from '../backend.mjs'
import { compare } from '../compare.mjs'
import { expectRightAnswers } from '../expect.mjs'
import { loads } from '../loads.mjs'
import { comparison, comparisonBlock } from '../report/comparison.mjs'
import { makeCertificate } from '../sides/certificate.mjs'
import { always, sides } from '../sides.mjs'
import { optional } from '../tools.mjs'

/** The mesh beside other chains of three, in turns, under the loads of the groups. */
export async function chains(bench, groups) {
  const { options, progress, tools, workshop } = bench
  const wanted = sides.filter(({ name }) => always.includes(name) || options.sides.includes(name))
  const [present, missing] = [true, false].map((there) =>
    wanted.filter(({ needs }) => (needs === undefined || tools[needs] !== undefined) === there),
  )
  progress.step('starting the backend and the chains')
  await makeCertificate(workshop, tools)
  const backend = await startBackend(bench)
  const started = []
  for (const { name, start } of present) started.push({ name, ...(await start({ workshop, tools, backend })) })
  progress.step('checking that all answer right')
  for (const side of started) await expectRightAnswers(side)
  const chosen = loads.filter(({ group }) => groups.includes(group))
  const samples = await compare({ ...bench, sides: started, loads: chosen })
  const data = comparison(samples)
  const block = comparisonBlock(data, options)
  const left = missing.map(
    ({ name, needs }) =>
      `Left out: ${name}, which needs ${needs}. On Debian and Ubuntu: apt-get install ${optional[needs]}`,
  )
  return { data, block: { ...block, notes: [...block.notes, ...left] } }
}
