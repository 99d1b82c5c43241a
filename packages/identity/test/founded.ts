import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@postern/protocol'
import { type Authority, createAuthority, loadAuthority } from '../src/index.ts'

export interface TestClock extends Clock {
  nowMs: number
}

export function clockAt(nowMs: number): TestClock {
  return {
    nowMs,
    now() {
      return this.nowMs
    },
  }
}

/** An authority in a folder of its own, and a clock that both it and those who check its statements go by. */
export interface Founded extends Disposable {
  readonly root: string
  readonly clock: TestClock
  /** The authority, as its folder says it is now. */
  load(): Promise<Authority>
}

export async function founded(): Promise<Founded> {
  const root = mkdtempSync(join(tmpdir(), 'postern-identity-'))
  const clock = clockAt(1_700_000_000_000)
  const folder = join(root, 'authority')
  await createAuthority(folder, 'acme', clock)
  return {
    root,
    clock,
    load: () => loadAuthority(folder, clock),
    [Symbol.dispose]() {
      rmSync(root, { recursive: true, force: true })
    },
  }
}
