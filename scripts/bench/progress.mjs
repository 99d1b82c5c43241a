/** Says what is going on: one line that changes on a terminal, one line a step elsewhere. */
export class Progress {
  /** What the steps are of. */
  name = ''
  #stream
  #startMs = performance.now()

  constructor(stream) {
    this.#stream = stream
  }

  step(text) {
    const line = `${String(Math.round((performance.now() - this.#startMs) / 1000)).padStart(4)} s  ${this.name === '' ? '' : `${this.name}: `}${text}`
    const { columns, isTTY } = this.#stream
    this.#stream.write(isTTY ? `\r\x1b[K${line.slice(0, (columns || 80) - 1)}` : `${line}\n`)
  }

  /** Leaves the terminal's line free for what is written next. */
  end() {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K')
  }
}
