import { MessageChannel } from 'node:worker_threads'
import { pipePair, pipeSuite } from '@postern/protocol/testing'
import { joinPipes } from '../src/workers/join-pipes.ts'
import { PortPipe } from '../src/workers/port-pipe.ts'

function portPair(): [PortPipe, PortPipe] {
  const { port1, port2 } = new MessageChannel()
  return [new PortPipe(port1), new PortPipe(port2)]
}

pipeSuite('a pipe over a message port', portPair)

pipeSuite('a pipe over a message port joined to another pipe', () => {
  const [near, joined] = portPair()
  const [other, far] = pipePair()
  void joinPipes(joined, other)
  return [near, far]
})
