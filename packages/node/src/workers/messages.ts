import type { MessagePort } from 'node:worker_threads'
import type { Egress, EgressConfig } from '@postern/egress'
import type { IngressConfig, IngressInit } from '@postern/ingress'
import type { Count, LogInit } from '@postern/observe'
import { type Caller, type Code, type OpenTrunks, PosternError, reasonOf, type Trunk } from '@postern/protocol'

/** What a thread is started with. */
export interface ThreadData {
  readonly egress: EgressConfig | undefined
  readonly log: LogInit
}

export type Side = 'ingress' | 'egress'

/** What the main thread says to a worker. What has a number in `call` is answered. */
export type ToThread =
  | {
      readonly type: 'listen'
      readonly call: number
      readonly config: IngressConfig
      readonly sharing: NonNullable<IngressInit['sharing']>
    }
  | { readonly type: 'drain' | 'close'; readonly call: number; readonly side: Side }
  | { readonly type: 'open'; readonly offers: OpenTrunks['offers']; readonly trunks: readonly LentTrunk[] }
  | { readonly type: 'found'; readonly search: number; readonly trunk: Outcome<number> }
  | {
      readonly type: 'accept'
      readonly trunk: number
      readonly port: MessagePort
      readonly caller: Caller
    }
  | { readonly type: 'caller'; readonly trunk: number; readonly services: readonly string[] }
  | { readonly type: 'gone'; readonly trunk: number }
  | { readonly type: 'end' }

/** What a worker says to the main thread. */
export type FromThread =
  | { readonly type: 'answer'; readonly call: number; readonly urls: Outcome<readonly string[]> }
  | {
      readonly type: 'search'
      readonly search: number
      readonly service: string
      readonly waitMs: number
      readonly not: readonly number[]
    }
  | { readonly type: 'retire'; readonly trunk: number }
  | { readonly type: 'state'; readonly state: ThreadState; readonly counts: readonly Count[] }

/** The call that a worker answers when it has started. */
export const startCall = 0

/** A trunk of the main thread as a worker is told of it: with its port the first time, by its number from then on. */
export interface LentTrunk extends Pick<Trunk, 'egress' | 'path' | 'services'> {
  readonly trunk: number
  readonly port: MessagePort | undefined
}

/** What a worker is doing. */
export interface ThreadState {
  readonly requests: number
  readonly exchanges: number
  readonly services: ReturnType<Egress['describe']>
}

export type Outcome<T> =
  | { readonly value: T }
  | { readonly code: Code; readonly message: string; readonly remedy: string | undefined }

/** What came of a task, in a form that goes from thread to thread. */
export async function outcomeOf<T>(task: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await task() }
  } catch (error) {
    const { code, remedy } = error instanceof PosternError ? error : { code: 'INTERNAL' as const, remedy: undefined }
    return { code, message: reasonOf(error), remedy }
  }
}

/** What came of a task in another thread. Throws what it threw. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if ('value' in outcome) return outcome.value
  const { code, message, remedy } = outcome
  throw new PosternError(code, message, remedy === undefined ? {} : { remedy })
}
