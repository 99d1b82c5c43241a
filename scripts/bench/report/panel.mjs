import { number } from '../numbers.mjs'
import { box, colours, line, text } from './svg.mjs'

const titleHeight = 34
const barHeight = 13
const barGap = 3
const groupGap = 14
const labelWidth = 62
const valueWidth = 58

/**
 * Draws groups of bars that lie below each other, with the value behind each, all to one scale from 0, or with `apart`
 * each group to its own. A group is `{ title, bars: [{ value, fill, strong }] }`. Yields `{ drawing, height }`.
 */
export function panel({ title, better, digits, groups, apart = false }, x, y, width) {
  const mostOf = (some) => Math.max(...some.flatMap(({ bars }) => bars.map(({ value }) => value)))
  const most = mostOf(groups)
  const left = x + labelWidth
  const room = width - labelWidth - valueWidth
  const drawing = [
    text(x, y + 12, title, { size: 13.5, weight: 600 }),
    text(x + width, y + 12, better, { size: 11, fill: colours.faint, anchor: 'end' }),
  ]
  let at = y + titleHeight - 8
  for (const group of groups) {
    const { bars, title: name } = group
    const full = apart ? mostOf([group]) : most
    const height = bars.length * (barHeight + barGap) - barGap
    drawing.push(text(left - 10, at + height / 2 + 4.5, name, { size: 12.5, anchor: 'end' }))
    for (const [row, { fill, strong, value }] of bars.entries()) {
      const top = at + row * (barHeight + barGap)
      const length = Math.max(1, (value / full) * room)
      drawing.push(
        box(left, top, length, barHeight, { fill, rx: 2 }),
        text(left + length + 6, top + barHeight - 2.2, number(value, digits), {
          size: 11.5,
          weight: strong ? 600 : 400,
        }),
      )
    }
    at += height + groupGap
  }
  const bottom = at - groupGap
  drawing.push(line(left - 0.5, y + titleHeight - 12, left - 0.5, bottom + 4))
  return { drawing: drawing.join('\n'), height: bottom + 4 - y }
}
