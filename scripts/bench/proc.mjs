import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Linux reports CPU time in units of 10 ms to every program, whatever the kernel's own clock does. */
const tickUs = 10_000

/** CPU time of a process and all its threads so far, user and system, in µs. */
export function cpuUs(pid) {
  const fields = statOf(pid)
  return (Number(fields[11]) + Number(fields[12])) * tickUs
}

/** Resident memory of a process now, in MB (10⁶ octets). */
export function rssMb(pid) {
  return statusMb(pid, 'VmRSS')
}

/** The most that a process has held since {@link forgetPeak}, or since it started, in MB. */
export function peakMb(pid) {
  return statusMb(pid, 'VmHWM')
}

/** Lets the kernel take what a process holds now as the most it has held: proc(5), `clear_refs`. */
export function forgetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** How many files a process started from this one may have open: runtimes and servers raise the soft limit to the hard. */
export function openFiles() {
  const hard = /^Max open files\s+\d+\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)
}

function statusMb(pid, key) {
  const kib = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kib === undefined) throw new Error(`process ${pid} has ended`)
  return (Number(kib) * 1024) / 1e6
}

/** A child of a process, or undefined. */
export function childOf(pid) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((candidate) => parentOf(candidate) === pid)
}

function parentOf(pid) {
  try {
    return Number(statOf(pid)[1])
  } catch {
    return undefined // It ended while we looked.
  }
}

/** The fields of /proc/PID/stat after the name, which may hold anything: state first. */
function statOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}
