import type { Visit } from './visit.ts'

/** The name that the API has in the mesh; no client ever says it. */
export const service = 'billing-marker-svc'

/** What all words begin with by which a request and its answer are recognised wherever they stand in clear. */
export const mark = 'marker-in-the-'

/** The words of the client's request. */
export const asked = {
  path: 'marker-in-the-path',
  query: 'marker-in-the-query',
  authority: 'marker-in-the-authority.example',
  fieldName: 'x-marker-in-the-field-name',
  field: 'marker-in-the-field',
  body: 'marker-in-the-body',
} as const

/** And those of the API's answer. */
export const answered = { field: 'marker-in-the-answer-field', body: 'marker-in-the-answer-body' } as const

export const paddingBytes = 256 * 1024

/** A request that holds them all. */
export const markedVisit: Visit = {
  method: 'POST',
  path: `/v1/${asked.path}?q=${asked.query}`,
  headers: { host: asked.authority, [asked.fieldName]: asked.field },
  body: asked.body,
  paddingBytes,
}
