import { certificate } from './certificate.mjs'
import { startNginx } from './nginx.mjs'

const tlsIn = `ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key}; ssl_protocols TLSv1.3;`

/** Starts an nginx that passes everything on to the URL `next`; with `tls`, clients come with TLS. */
export function startNginxProxy({ workshop, tools, name, port, tls, next }) {
  return startNginx({ workshop, tools, name, port, http: proxy({ port, tls, next }) })
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
    ${tls ? tlsIn : ''}
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
