import type { Asked } from '../src/backend/response-head.ts'
import { ResponseReader } from '../src/backend/response-reader.ts'

export interface Heard {
  /** What was found, as lines of a play: `head 200 sized 5 kept`, `data hello`, `end`. */
  readonly said: string[]
  readonly fields: string[]
  /** Octets that were read. */
  read: number
}

export const plainly: Asked = { head: false, upgrade: false }

export interface Listening {
  readonly reader: ResponseReader
  readonly heard: Heard
}

/** A reader that expects one response, and what it says; content that comes in pieces is one line. */
export function readerOf(asked: Asked = plainly): Listening {
  const heard: Heard = { said: [], fields: [], read: 0 }
  const reader = new ResponseReader({
    head({ fields, framing, persistent, status }) {
      const size = framing.kind === 'sized' ? ` ${framing.bytes}` : ''
      heard.said.push(`head ${status} ${framing.kind}${size} ${persistent ? 'kept' : 'closes'}`)
      heard.fields.push(...fields)
    },
    data(piece) {
      const text = Buffer.from(piece).toString('latin1')
      const last = heard.said.length - 1
      if (heard.said[last]?.startsWith('data ')) heard.said[last] += text
      else heard.said.push(`data ${text}`)
    },
    end: (trailers) => heard.said.push(['end', ...trailers].join(' ')),
    malformed: () => heard.said.push('malformed'),
  })
  reader.expect(asked)
  return { reader, heard }
}

/** What is heard of the octets when they arrive cut at these places. */
export function hear(octets: Buffer, cuts: readonly number[] = [], asked: Asked = plainly): Listening {
  const listening = readerOf(asked)
  let from = 0
  for (const to of [...cuts, octets.length]) {
    listening.heard.read += listening.reader.push(octets.subarray(from, to))
    from = to
  }
  return listening
}
