// `node node-hop.mjs TASK`: a reverse proxy as one writes it with what Node.js brings. TASK is JSON:
// `{ port, tls, next, cert, key, name }`, where to listen, whether with TLS, and where to pass everything on.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { pipeline } from 'node:stream'

const { port, tls, next, cert, key, name } = JSON.parse(process.argv[2])
const { hostname, port: nextPort, protocol } = new URL(next)
const { Agent, request } = protocol === 'https:' ? https : http
const agent = new Agent({
  keepAlive: true,
  maxSockets: 512,
  maxFreeSockets: 512,
  ca: readFileSync(cert),
  servername: name,
})

function pass(asked, answer) {
  const { connection: _, ...headers } = asked.headers
  const { method, url: path } = asked
  const sent = request({ host: hostname, port: nextPort, agent, method, path, headers }, (answered) => {
    // The client has gone meanwhile.
    if (answer.destroyed) return answered.destroy()
    const { connection: _own, 'keep-alive': _kept, ...fields } = answered.headers
    answer.writeHead(answered.statusCode, fields)
    return pipeline(answered, answer, () => {})
  })
  sent.on('error', () => {
    if (answer.headersSent) answer.destroy()
    else answer.writeHead(502).end()
  })
  // Most requests have no content, and a pipeline costs more than they do.
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) sent.end()
  else pipeline(asked, sent, () => {})
}

const server = tls
  ? https.createServer({ cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.3' }, pass)
  : http.createServer(pass)
server.keepAliveTimeout = 600_000
server.listen(port, '127.0.0.1')
// Nobody uses it any more.
process.once('disconnect', () => process.exit())
