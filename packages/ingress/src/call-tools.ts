import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Deadlines, Log, Meter, RequestHead } from '@postern/protocol'
import type { Admission } from './admission.ts'
import type { Pipelining } from './pipelining.ts'
import type { ContentLimits } from './request-content.ts'
import type { RouteConfig } from './schema.ts'
import type { TrunkTable } from './trunk-table.ts'

export interface CallInit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly head: RequestHead
  readonly route: RouteConfig
  /** What limits count the client by. */
  readonly client: string
  readonly pipelining: Pipelining
}

export interface CallTools {
  readonly admission: Admission
  readonly table: TrunkTable
  readonly deadlines: Deadlines
  readonly log: Log
  readonly meter: Meter
  readonly idleMs: number
  readonly content: ContentLimits
  readonly serverTiming: boolean
  readonly requestId: boolean
}
