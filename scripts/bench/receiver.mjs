import { fileURLToPath } from 'node:url'
import { environment, node } from '../setup.mjs'
import { freePorts, listening } from './ports.mjs'

const program = fileURLToPath(new URL('./receiver-program.mjs', import.meta.url))

/** Starts a server that counts what is uploaded and echoes on what is upgraded, and yields its port. */
export async function startReceiver(workshop) {
  const [port] = await freePorts(1)
  const { died } = workshop.start('receiver', node, [program, String(port)], { env: environment, channel: true })
  await listening('the receiver', port, died)
  return port
}
