import type { ServerResponse } from 'node:http'
import type { ResponseHead } from '@postern/protocol'

/** Passes on an interim response (RFC 9110 section 15.2): 100, 102 and 103; others say nothing a client waits for. */
export function interimTo(response: ServerResponse, head: ResponseHead): void {
  if (response.headersSent) return
  writers[head.status]?.(response, head)
}

const writers: Readonly<Record<number, (response: ServerResponse, head: ResponseHead) => void>> = {
  100: (response) => response.writeContinue(),
  102: (response) => response.writeProcessing(),
  103: (response, { fields }) => {
    const hints: Record<string, string | string[]> = {}
    const links: string[] = []
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = (fields[i] ?? '').toLowerCase()
      if (name === 'link') links.push(fields[i + 1] ?? '')
      else hints[name] = fields[i + 1] ?? ''
    }
    if (links.length > 0) response.writeEarlyHints({ ...hints, link: links })
  },
}
