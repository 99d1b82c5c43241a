import { defaultLimits, Machine, type MachineLimits } from '../src/index.ts'

/** A machine and what it has said, as lines of a play: `body 1 5` is five octets of content on exchange 1. */
export interface Actor {
  readonly machine: Machine
  readonly said: string[]
  /** Octets of content heard, by exchange. */
  readonly heard: Map<number, Buffer>
}

export function actorOf(side: 'initiator' | 'responder', limits: Partial<MachineLimits> = {}): Actor {
  const said: string[] = []
  const heard = new Map<number, Buffer>()
  const machine = new Machine(
    side,
    {
      request: (id, head) => said.push(`request ${id} ${head.method} ${head.target}`),
      interim: (id, head) => said.push(`interim ${id} ${head.status}`),
      response: (id, head) => said.push(`response ${id} ${head.status}${head.end ? ' end' : ''}`),
      body: (id, piece) => {
        said.push(`body ${id} ${piece.byteLength}`)
        heard.set(id, Buffer.concat([heard.get(id) ?? Buffer.alloc(0), piece]))
      },
      end: (id, trailers) => said.push(`end ${id}${trailers.length > 0 ? ` ${trailers.join(' ')}` : ''}`),
      over: (id) => said.push(`over ${id}`),
      reset: (id, code) => said.push(`reset ${id} ${code}`),
      writable: (id) => said.push(`writable ${id}`),
      goaway: (lastId) => said.push(`goaway ${lastId}`),
      pong: () => said.push('pong'),
      violation: (detail) => said.push(`violation ${detail}`),
      wake: () => {},
    },
    { ...defaultLimits, ...limits },
  )
  return { machine, said, heard }
}

/** Carries everything that either side has to say to the other, until both are silent. */
export function talk(a: Actor, b: Actor): void {
  while (a.machine.pending || b.machine.pending) {
    for (const chunk of a.machine.pull(64 * 1024)) b.machine.receive(chunk)
    for (const chunk of b.machine.pull(64 * 1024)) a.machine.receive(chunk)
  }
}
