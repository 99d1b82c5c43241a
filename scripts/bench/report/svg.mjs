/** Dark enough on the ground, and apart from each other for the colour-blind (Okabe and Ito). */
export const colours = {
  ground: '#f7f8fa',
  rim: '#d0d5dd',
  ink: '#1d2430',
  faint: '#5d6675',
  sides: { mesh: '#d55e00', yardstick: '#0072b2', blind: '#56b4e9', stunnel: '#009e73', node: '#8d7fb8' },
}

export function text(x, y, content, { size, weight = 400, fill = colours.ink, anchor = 'start' }) {
  const style = `font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}"`
  return `<text x="${at(x)}" y="${at(y)}" ${style}>${escaped(content)}</text>`
}

export function box(x, y, width, height, { fill, stroke, rx = 0 }) {
  const rim = stroke === undefined ? '' : ` stroke="${stroke}"`
  return `<rect x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}" rx="${rx}" fill="${fill}"${rim}/>`
}

export function line(x1, y1, x2, y2) {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" stroke="${colours.faint}"/>`
}

export function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** A coordinate, to a hundredth. */
function at(value) {
  return Number(value.toFixed(2))
}
