import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../deadline.mjs'
import { listening } from '../ports.mjs'
import { childOf } from '../proc.mjs'

const readyMs = 10_000
const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/**
 * Starts an nginx with one worker and the given content of its `http` block; relative paths in it are below the
 * workshop's folder. Yields the worker, which does the work, as `{ name, pid }` when it listens on `port`.
 */
export async function startNginx({ workshop, tools, name, port, http }) {
  const file = join(workshop.folder, `${name}.conf`)
  writeFileSync(file, config(name, http))
  const { died, pid } = workshop.start(name, tools.nginx.path, ['-p', workshop.folder, '-c', file])
  await listening(name, port, died)
  return { name, pid: await until(readyMs, `the worker of ${name}`, () => childOf(pid)) }
}

function config(name, http) {
  const scratches = scratch.map((kind) => `  ${kind}_temp_path ${name}.${kind};`).join('\n')
  // A worker of root's nginx would run as somebody who may not enter the workshop's folder.
  return `${process.getuid() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
error_log stderr warn;
pid ${name}.pid;
events { worker_connections 4096; }
http {
${scratches}
  access_log off;
  default_type text/plain;
  sendfile on;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 0;
${http}}
`
}
