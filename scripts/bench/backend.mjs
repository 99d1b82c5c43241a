import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from './ports.mjs'
import { startReceiver } from './receiver.mjs'
import { startNginx } from './sides/nginx.mjs'

/** What the backend answers at `/`, and at whatever is below `/r/`: 19 octets. */
export const answer = 'Hello from behind.\n'

/** Octets of the file at `/10m`, and of an upload to `/upload`. */
export const bulkBytes = 10_000_000

/** Octets of the files that are not kept anywhere, but read as zeros. */
const files = { '100m': 100_000_000, '1g': 1_000_000_000 }

/**
 * Starts the API that all sides stand before, an nginx, and yields its port. `/upload` takes a body, reads all of it,
 * and answers with the length of the request it received; `/receive` answers with the length of the body, and keeps
 * none of it.
 */
export async function startBackend({ workshop, tools }) {
  const [port] = await freePorts(1)
  const receiver = await startReceiver(workshop)
  writeFileSync(join(workshop.folder, '10m'), Buffer.alloc(bulkBytes, 'postern '))
  for (const [name, bytes] of Object.entries(files)) {
    const file = openSync(join(workshop.folder, name), 'w')
    ftruncateSync(file, bytes)
    closeSync(file)
  }
  await startNginx({ workshop, tools, name: 'backend', port, http: server(port, receiver) })
  return port
}

/** A proxy that buffers requests reads the whole body before it asks on; here it asks itself, without the body. */
function server(port, receiver) {
  const small = `return 200 "${answer.replace('\n', '\\n')}";`
  return `
  client_body_buffer_size ${bulkBytes};
  server {
    listen 127.0.0.1:${port};
    root .;
    location = / { ${small} }
    location /r/ { ${small} }
    location = /10m { }
    location = /100m { }
    location = /1g { }
    location = /upload {
      proxy_pass http://127.0.0.1:${port}/received;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Received $request_length;
    }
    location = /received { return 200 $http_received; }
    location = /receive {
      proxy_pass http://127.0.0.1:${receiver};
      proxy_http_version 1.1;
      proxy_request_buffering off;
      client_body_buffer_size 64k;
    }
  }
`
}
