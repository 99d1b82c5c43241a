import type { Answer } from './visit.ts'

/** A line of a log that speaks of a peer. */
export function said(event: string, peer: string, code: string): RegExp {
  return new RegExp(`(?=.*"event":"${event}")(?=.*"peer":"${peer}")(?=.*"code":"${code}")`, 'm')
}

/** What a node says of itself, as far as it is looked at here. */
export interface Status {
  readonly bulletin: { readonly sequence: number }
  readonly ingress: {
    readonly services: ReadonlyArray<{ readonly egresses: ReadonlyArray<{ readonly trunks: number }> }>
  }
}

export function statusesOf(answers: readonly Answer[]): number[] {
  return answers.map(({ status }) => status)
}

export function wordsIn(text: string, words: readonly string[]): string[] {
  return words.filter((word) => text.includes(word))
}
