import { join } from 'node:path'
import { startNginx } from './nginx.mjs'
import { freePorts } from './ports.mjs'

const certificate = 'ssl_certificate tls.crt; ssl_certificate_key tls.key; ssl_protocols TLSv1.3;'
const certificateMs = 10_000

/** Starts three nginx, one before the other, with TLS between them and connections kept: `{ name, url, nodes }`. */
export async function startYardstick(workshop, tools, backend) {
  await makeCertificate(workshop, tools)
  const [first, second, third] = await freePorts(3)
  const chain = [
    { name: 'nginx-1', port: first, tls: false, next: `https://127.0.0.1:${second}` },
    { name: 'nginx-2', port: second, tls: true, next: `https://127.0.0.1:${third}` },
    { name: 'nginx-3', port: third, tls: true, next: `http://127.0.0.1:${backend}` },
  ]
  const nodes = await Promise.all(
    chain.map((hop) => startNginx({ workshop, tools, name: hop.name, port: hop.port, http: proxy(hop) })),
  )
  return { name: 'yardstick', url: `http://127.0.0.1:${first}`, nodes }
}

/** A pool smaller than the load would measure handshakes; buffers as large as this do what nginx can in bulk. */
function proxy({ port, tls, next }) {
  const { host, protocol } = new URL(next)
  return `
  upstream next {
    server ${host};
    keepalive 512;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
  }
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''};
    ${tls ? certificate : ''}
    client_body_buffer_size 64k;
    location / {
      proxy_pass ${protocol}//next;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_ssl_protocols TLSv1.3;
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
    }
  }
`
}

/** Makes tls.crt and tls.key in the workshop's folder. */
async function makeCertificate(workshop, tools) {
  const what = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost']
  const where = ['-keyout', join(workshop.folder, 'tls.key'), '-out', join(workshop.folder, 'tls.crt')]
  await workshop.run(certificateMs, tools.openssl.path, ['req', '-x509', '-days', '2', ...what, ...where])
}
