import { date } from './said.ts'
import type { Check } from './warning.ts'

/** Differences that a warning names; more are counted. */
const mostNamed = 5

export const certificateReplaced: Check = ({ certificates = [] }) =>
  certificates.flatMap(({ expiresMs, file, replaced }) => {
    if (replaced === undefined) return []
    const held =
      'reason' in replaced ? replaced.reason : `the file holds another, valid until ${date(replaced.expiresMs)}`
    return [
      {
        about: file,
        cause: `clients are shown the certificate of ${file} that is valid until ${date(expiresMs)}; ${held}`,
      },
    ]
  })

export const configChanged: Check = ({ config }) => {
  if (config === undefined) return []
  const { asked, differs, file } = config
  const more = differs.length > mostNamed ? [`and ${differs.length - mostNamed} more`] : []
  const causes = [
    ...(asked === undefined ? [] : [`the node runs with ${file}, and ${asked} was looked at`]),
    ...(differs.length === 0 ? [] : [`${file}: ${[...differs.slice(0, mostNamed), ...more].join('; ')}`]),
  ]
  return causes.length === 0 ? [] : [{ cause: causes.join('. ') }]
}
