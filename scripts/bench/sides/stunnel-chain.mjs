import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, listening } from '../ports.mjs'
import { certificate } from './certificate.mjs'

/**
 * Starts three stunnel with TLS between them: `{ url, nodes }`. The one in the middle unwraps and wraps again, which
 * stunnel does as two services with a connection between them.
 */
export async function startStunnelChain({ workshop, tools, backend }) {
  const [first, second, inner, third] = await freePorts(4)
  const chain = [
    { name: 'stunnel-1', port: first, services: [wrap(first, second)] },
    { name: 'stunnel-2', port: second, services: [unwrap(second, inner), wrap(inner, third)] },
    { name: 'stunnel-3', port: third, services: [unwrap(third, backend)] },
  ]
  const nodes = await Promise.all(
    chain.map(async ({ name, port, services }) => {
      const file = join(workshop.folder, `${name}.conf`)
      writeFileSync(file, `${common}${services.map((service, at) => `[hop-${at}]\n${service}`).join('')}`)
      const { pid, died } = workshop.start(name, tools.stunnel.path, [file])
      await listening(name, port, died)
      return { name, pid }
    }),
  )
  return { url: `http://127.0.0.1:${first}`, nodes }
}

const common = `foreground = yes
pid =
debug = crit
syslog = no
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
sslVersionMin = TLSv1.3
`

function wrap(port, next) {
  return `client = yes\naccept = 127.0.0.1:${port}\nconnect = 127.0.0.1:${next}\n`
}

function unwrap(port, next) {
  return `accept = 127.0.0.1:${port}\nconnect = 127.0.0.1:${next}\ncert = ${certificate.pem}\n`
}
