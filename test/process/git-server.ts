import { spawn } from 'node:child_process'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Backend, backendOf } from '@postern/test-kit'
import { bareEnvironment, must, tied } from './command.ts'

/** What a git client sent to store objects. */
export interface Push {
  readonly headers: IncomingHttpHeaders
  contentBytes: number
}

export interface GitServer extends AsyncDisposable {
  readonly url: string
  readonly pushes: readonly Push[]
}

/** Serves the bare repositories of a folder with git's own `http-backend`, which is a CGI program (RFC 3875). */
export async function gitServer(folder: string): Promise<GitServer> {
  const program = join((await must(['git', '--exec-path'])).trim(), 'git-http-backend')
  const pushes: Push[] = []
  const backend: Backend = await backendOf((request, response) => {
    const push: Push = { headers: request.headers, contentBytes: 0 }
    if (request.url?.endsWith('/git-receive-pack') === true) pushes.push(push)
    request.on('data', (chunk: Buffer) => {
      push.contentBytes += chunk.length
    })
    serve(program, folder, request, response).catch(() => response.destroy())
  })
  return { url: backend.url, pushes, [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose]() }
}

async function serve(program: string, folder: string, request: IncomingMessage, response: ServerResponse) {
  const child = tied(spawn(program, { env: variables(folder, request), stdio: ['pipe', 'pipe', 'ignore'] }))
  // The program may answer without having read everything.
  const taken = pipeline(request, child.stdin).catch(() => undefined)
  response.write(await answerHead(child.stdout, response))
  await Promise.all([taken, pipeline(child.stdout, response)])
}

/** RFC 3875 section 4.1. */
function variables(folder: string, { headers, method = '', url = '/' }: IncomingMessage): Record<string, string> {
  const [path = '/', query = ''] = url.split('?', 2)
  const values = {
    ...bareEnvironment(folder),
    GATEWAY_INTERFACE: 'CGI/1.1',
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: '1',
    REQUEST_METHOD: method,
    PATH_INFO: decodeURIComponent(path),
    QUERY_STRING: query,
    CONTENT_TYPE: headers['content-type'],
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    HTTP_GIT_PROTOCOL: headers['git-protocol']?.toString(),
  }
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** Turns the head of a CGI answer (RFC 3875 section 6) into that of an HTTP answer; answers with what follows it. */
async function answerHead(output: Readable, response: ServerResponse): Promise<Buffer> {
  let heard = Buffer.alloc(0)
  for await (const piece of output.iterator({ destroyOnReturn: false })) {
    heard = Buffer.concat([heard, piece as Buffer])
    const end = heard.indexOf('\r\n\r\n')
    if (end < 0) continue
    for (const line of heard.toString('latin1', 0, end).split('\r\n')) {
      const [, name = '', value = ''] = /^([^:]+): *(.*)$/.exec(line) ?? []
      if (name.toLowerCase() === 'status') response.statusCode = Number(value.slice(0, 3))
      else response.appendHeader(name, value)
    }
    return heard.subarray(end + 4)
  }
  throw new Error('the program ended without an answer')
}
