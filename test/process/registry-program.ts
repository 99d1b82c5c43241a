import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { runServer } from 'verdaccio'

/** An npm registry that keeps packages in a folder, takes them from anybody and asks nobody else for what it lacks. */
const folder = process.argv[2] ?? ''
const anybody = { access: '$all', publish: '$all', unpublish: '$all' }
const server = (await runServer({
  self_path: join(folder, 'config.yaml'),
  storage: join(folder, 'storage'),
  auth: { htpasswd: { file: join(folder, 'htpasswd') } },
  uplinks: {},
  packages: { '@*/*': anybody, '**': anybody },
  web: { enable: false },
  log: { type: 'file', path: join(folder, 'log'), level: 'warn' },
})) as Server
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
