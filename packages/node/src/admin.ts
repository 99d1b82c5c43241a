import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { excerpt, http, isServiceName, nearest, PosternError, reasonOf, writeError } from '@postern/protocol'
import type { Parts } from './build.ts'
import { nodeStatus, readiness } from './status.ts'
import { traceService } from './trace.ts'

/** The socket through which the node's own operator asks. */
export interface AdminServer {
  close(): Promise<void>
}

type Handler = (parts: Parts, argument: string) => unknown

const handlers: Readonly<Record<string, Handler>> = {
  status: (parts) => nodeStatus(parts),
  health: ({ health }) => health.facts(),
  ready: (parts) => readiness(nodeStatus(parts)),
  peers: ({ mesh }) => mesh.peers(),
  services: ({ egress, mesh }) => ({ called: mesh.status().services, offered: egress?.describe() ?? [] }),
  trace: ({ config, mesh }, service) => {
    if (!isServiceName(service)) throw new PosternError('USAGE', 'trace takes the name of a service')
    return traceService(mesh, service).catch((error: unknown) => {
      const near = nearest(service, config.ingress?.routes.map((route) => route.service) ?? [])
      if (!(error instanceof PosternError) || near === undefined || near === service) throw error
      throw new PosternError(error.code, error.message, { cause: error, remedy: `did you mean ${near}?` })
    })
  },
}

/** What is not only asked for but done: `POST /NAME[/ARGUMENT]`. */
const actions: Readonly<Record<string, Handler>> = {
  async renew(parts) {
    await parts.renewal.renew()
    return nodeStatus(parts).credential
  },
  async rotate({ replaceKey }, overlapMs) {
    if (!/^\d{1,12}$/.test(overlapMs)) throw new PosternError('USAGE', 'rotate takes the overlap in ms')
    return { peer: await replaceKey(Number(overlapMs)) }
  },
}

const tables: Readonly<Record<string, typeof handlers>> = { GET: handlers, POST: actions }

const unwritableRemedy =
  'let the user who runs the node write there, or set admin.socket to a path in a folder that takes it, as below /run'

/** sockaddr_un holds 108 octets, the last of them zero. */
const maxSocketPath = 107

/** Serves `GET /NAME[/ARGUMENT]`, and `POST` what acts, as JSON, to the owner of the process alone. Throws ADDRESS_IN_USE or FILE_UNWRITABLE. */
export async function startAdmin(socket: string, parts: Parts): Promise<AdminServer> {
  if (Buffer.byteLength(socket) > maxSocketPath) {
    throw new PosternError(
      'CONFIG_INVALID',
      `the path of the admin socket is longer than ${maxSocketPath} octets: ${socket}`,
      {
        remedy: 'set admin.socket to a shorter path',
      },
    )
  }
  try {
    mkdirSync(dirname(socket), { recursive: true, mode: 0o700 })
    await clearStale(socket)
  } catch (cause) {
    throw writeError(socket, cause, unwritableRemedy)
  }
  const server = http.createServer((request, response) => void answer(request, response, parts))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `cannot open the admin socket ${socket}: ${cause.message}`
      const inUse = cause.code === 'EADDRINUSE'
      reject(
        inUse ? new PosternError('ADDRESS_IN_USE', message, { cause }) : writeError(socket, cause, unwritableRemedy),
      )
    })
    // The socket is made before listen returns, and nobody else may open it from the first moment on.
    const umask = process.umask(0o177)
    server.listen(socket, resolve)
    process.umask(umask)
  })
  chmodSync(socket, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const [, name = '', argument = ''] = (request.url ?? '').split('/')
  const table = tables[request.method ?? ''] ?? {}
  const handler = Object.hasOwn(table, name) ? table[name] : undefined
  const send = (status: number, value: unknown) => {
    const body = `${JSON.stringify(value)}\n`
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(body)
  }
  if (handler === undefined)
    return send(404, { code: 'USAGE', message: `there is no ${excerpt(name) || 'such thing'} to ask for` })
  try {
    send(200, await handler(parts, decodeURIComponent(argument)))
  } catch (error) {
    const { code, remedy } = error instanceof PosternError ? error : { code: 'INTERNAL', remedy: undefined }
    send(500, { code, message: reasonOf(error), remedy })
  }
}

/** A socket that nobody answers on was left by a node that did not end in order. */
async function clearStale(socket: string): Promise<void> {
  const found = lstatSync(socket, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new PosternError('ADDRESS_IN_USE', `there is something other than a socket at ${socket}`, {
      remedy: 'set admin.socket to another path',
    })
  }
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(socket, () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
  if (alive) {
    throw new PosternError('ADDRESS_IN_USE', `a node already runs with the admin socket ${socket}`, {
      remedy: 'stop that node, or give this one another state folder',
    })
  }
  unlinkSync(socket)
}
