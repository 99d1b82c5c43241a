/** What a pipe tells its one reader. */
export interface PipeReader {
  data(chunk: Uint8Array): void
  /** The pipe takes more again after `send` had answered false. */
  drain(): void
  /** The other side sends nothing more. */
  end(): void
  /** The pipe is over; with an error unless both sides had ended. Nothing follows. */
  close(error?: Error): void
}

/**
 * A reliable byte stream in both directions, with backpressure and half-close: the port under exchanges.
 * Data that arrives before `read` is kept. Buffers handed over belong to the receiver from then on.
 */
export interface Pipe {
  read(reader: PipeReader): void
  /** Takes all of it; false asks the sender to wait for `drain`. Ignored once the pipe is over. */
  send(chunks: readonly Uint8Array[]): boolean
  /** Stops `data` until `resume`; what is under way is held back within the pipe's window. */
  pause(): void
  resume(): void
  /** Ends this direction after what was sent. */
  close(): void
  /** Ends both directions at once. */
  abort(error: Error): void
}
