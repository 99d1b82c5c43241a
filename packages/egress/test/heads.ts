import type { RequestHead } from '@postern/protocol'

const context = { requestId: 'r', client: '', trace: '', subject: '', authentication: '', scopes: '', budgetMs: 0 }

/** A GET without content, but for what is given. */
export function requestHead(given: Partial<RequestHead> = {}): RequestHead {
  return {
    service: 'api',
    method: 'GET',
    scheme: 'http',
    authority: 'api.example',
    target: '/',
    fields: [],
    context,
    upgrade: false,
    end: true,
    ...given,
  }
}
