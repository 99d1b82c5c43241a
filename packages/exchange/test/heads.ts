import type { RequestHead, ResponseHead } from '@postern/protocol'

export function requestHead(change: Partial<RequestHead> = {}): RequestHead {
  return {
    service: 'api',
    method: 'GET',
    scheme: 'http',
    authority: 'h',
    target: '/',
    fields: [],
    upgrade: false,
    end: true,
    context: {
      requestId: 'r',
      client: '192.0.2.1',
      trace: '',
      subject: '',
      authentication: '',
      scopes: '',
      budgetMs: 0,
    },
    ...change,
  }
}

export function responseHead(change: Partial<ResponseHead> = {}): ResponseHead {
  return { status: 200, fields: [], backendUs: 0, end: false, ...change }
}
