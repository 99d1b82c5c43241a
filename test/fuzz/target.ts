/** A reader of what a stranger wrote, as it is fuzzed. */
export interface Target {
  readonly name: string
  /** Octets that one message has at most; of a stream, which has no end, how many are tried. */
  readonly maxBytes: number
  /** The octets are one message: a longer one is never taken. */
  readonly whole: boolean
  open(): Opened | Promise<Opened>
}

/** A reader that is ready to read. */
export interface Opened {
  /** Valid encodings, from which what is tried starts. */
  readonly seeds: readonly Uint8Array[]
  /** Whether the reader takes the octets. Throws where it does what it may not do. */
  read(octets: Uint8Array): boolean | Promise<boolean>
  close?(): PromiseLike<void>
}

/** Whether it succeeds; that it fails with one of the coded failures is all right, with anything else it is not. */
export async function succeeds(reading: Promise<unknown>, codes: RegExp): Promise<boolean> {
  try {
    await reading
    return true
  } catch (error) {
    if (error instanceof Error && error.name === 'PosternError' && 'code' in error && codes.test(String(error.code)))
      return false
    throw error
  }
}

/** Where to cut octets so that they arrive one by one, or where that would take long in small pieces. */
export function smallCuts(octets: Uint8Array): number[] {
  const size = octets.byteLength > 1000 ? 97 : 1
  return Array.from({ length: Math.max(0, Math.ceil(octets.byteLength / size) - 1) }, (_, at) => (at + 1) * size)
}

/** The octets cut at these places. */
export function piecesOf(octets: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  return [0, ...cuts].map((from, at) => octets.subarray(from, cuts[at]))
}
