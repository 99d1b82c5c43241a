import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { environment, node, root } from '../setup.mjs'
import { ask } from './ask.mjs'
import { until, within } from './deadline.mjs'
import { freePorts } from './ports.mjs'

const cli = join(root, 'packages/cli/bin/postern.mjs')
const commandMs = 30_000
const readyMs = 30_000
const service = 'api'

/** Starts an ingress, one relay and an egress before the backend, as the CLI makes and runs them: `{ name, url, nodes }`. */
export async function startMesh(workshop, backend) {
  const [port] = await freePorts(1)
  await postern(workshop, ['mesh', 'create', 'bench', '--dir', 'authority'])
  const relay = await startNode(workshop, 'relay', [`--bootstrap=/ip4/127.0.0.1/tcp/${port}`], {
    relay: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
  })
  const egress = await startNode(workshop, 'egress', [`--service=${service}`], {
    egress: {
      services: {
        [service]: { backends: [`http://127.0.0.1:${backend}`], expose: [{ methods: ['*'], path: '/**' }] },
      },
    },
  })
  const ingress = await startNode(workshop, 'ingress', [`--service=${service}`], {
    ingress: { listen: [{ url: 'http://127.0.0.1:0' }], routes: [{ service }], path: { relays: 1 } },
  })
  const nodes = [ingress, relay, egress]
  await Promise.all(nodes.map((each) => ready(workshop, each)))
  return { name: 'mesh', url: ingress.status.ingress.urls[0], nodes }
}

/** Issues a node, runs it, and yields `{ name, pid, died, status }` when it is up. */
async function startNode(workshop, name, grants, roles) {
  await postern(workshop, ['mesh', 'issue', '--authority=authority', `--role=${name}`, `--out=${name}`, ...grants])
  const file = join(workshop.folder, name, 'postern.yaml')
  writeFileSync(file, JSON.stringify({ log: { level: 'warn' }, drainMs: 1000, ...roles }))
  const { died, pid, stdout } = workshop.start(`mesh-${name}`, node, [cli, 'up', '--json', '--config', file], {
    env: productive(),
    channel: true,
  })
  const line = new Promise((resolve) => createInterface({ input: stdout }).once('line', resolve))
  const status = JSON.parse(await within(readyMs, `starting ${name}`, Promise.race([line, died])))
  return { name, pid, died, status }
}

function ready(workshop, { name }) {
  const socketPath = join(workshop.folder, name, 'state', 'admin.sock')
  return until(readyMs, `readiness of ${name}`, async () => {
    const { body } = await ask({ socketPath, path: '/ready' })
    return JSON.parse(body.toString()).ready
  })
}

function postern(workshop, args) {
  return workshop.run(commandMs, node, [cli, ...args], { env: productive() })
}

/** Settings of the user's own nodes, which come in such variables, must not reach the ones measured. */
function productive() {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('POSTERN_'))
  return { ...Object.fromEntries(kept), NODE_ENV: 'production' }
}
