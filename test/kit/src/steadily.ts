/** What came of a request. */
export interface Answered {
  readonly status: number
}

/** Requests one after the other, until the end of the block that uses them. */
export interface Steadily extends AsyncDisposable {
  readonly answers: readonly Answered[]
  readonly statuses: readonly number[]
}

/** Asks a URL again and again. */
export function steadily(url: string): Steadily {
  const answers: Answered[] = []
  let going = true
  const done = (async () => {
    while (going) {
      const { status } = await fetch(url)
      answers.push({ status })
    }
  })()
  return {
    answers,
    get statuses() {
      return answers.map(({ status }) => status)
    },
    async [Symbol.asyncDispose]() {
      going = false
      await done
    },
  }
}
