import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../setup.mjs'
import { markdown, withFigures } from './markdown.mjs'
import { plot } from './plot.mjs'

/** Writes the result to where the options want it. */
export function writeReports(result, { docs, json, svg }) {
  if (json !== undefined) writeFileSync(json, jsonOf(result))
  if (svg !== undefined) writeFileSync(svg, plot(result))
  if (!docs) return
  const page = join(root, 'docs/performance.md')
  writeFileSync(join(root, 'docs/performance.json'), jsonOf(result))
  writeFileSync(join(root, 'docs/performance.svg'), plot(result))
  writeFileSync(page, withFigures(readFileSync(page, 'utf8'), markdown(result)))
}

/** Without the blocks: they say the same again, for people. */
function jsonOf(result) {
  return `${JSON.stringify({ ...result, blocks: undefined }, null, 2)}\n`
}
