import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startNginx } from './nginx.mjs'
import { freePorts } from './ports.mjs'

/** What the backend answers at `/`: 19 octets. */
export const answer = 'Hello from behind.\n'

/** Octets of the file at `/10m`, and of an upload. */
export const bulkBytes = 10_000_000

/**
 * Starts the API that both sides stand before, and yields its port. `/upload` takes a body, reads all of it, and answers
 * with the length of the request it received.
 */
export async function startBackend(workshop, tools) {
  const [port] = await freePorts(1)
  writeFileSync(join(workshop.folder, '10m'), Buffer.alloc(bulkBytes, 'postern '))
  await startNginx({ workshop, tools, name: 'backend', port, http: server(port) })
  return port
}

/** A proxy that buffers requests reads the whole body before it asks on; here it asks itself, without the body. */
function server(port) {
  return `
  client_body_buffer_size ${bulkBytes};
  server {
    listen 127.0.0.1:${port};
    root .;
    location = / { return 200 "${answer.replace('\n', '\\n')}"; }
    location = /10m { }
    location = /upload {
      proxy_pass http://127.0.0.1:${port}/received;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Received $request_length;
    }
    location = /received { return 200 $http_received; }
  }
`
}
