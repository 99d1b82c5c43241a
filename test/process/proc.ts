import { readFileSync } from 'node:fs'

/** Whether a process runs; one that has ended and was not yet collected does not. */
export function isAlive(pid: number): boolean {
  return /^State:\s+[^ZX]/m.test(read(`/proc/${pid}/status`))
}

/** Resident memory of a process in MiB; 0 when there is none. */
export function rssMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024
}

/** Processes that a process has started and that have not been collected. */
export function childrenOf(pid: number): number[] {
  return (read(`/proc/${pid}/task/${pid}/children`).match(/\d+/g) ?? []).map(Number)
}

export interface MemoryWatch extends Disposable {
  /** The most that each process was seen to hold, in whole MiB, by name. */
  readonly peaksMb: Readonly<Record<string, number>>
}

const lookMs = 50

/** Looks often at how much memory processes hold, until the end of the block that uses it. */
export function watchMemory(processes: ReadonlyArray<{ readonly name: string; readonly pid: number }>): MemoryWatch {
  const peaksMb: Record<string, number> = {}
  const look = () => {
    for (const { name, pid } of processes) peaksMb[name] = Math.max(peaksMb[name] ?? 0, Math.round(rssMb(pid)))
  }
  look()
  const timer = setInterval(look, lookMs)
  return { peaksMb, [Symbol.dispose]: () => clearInterval(timer) }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
