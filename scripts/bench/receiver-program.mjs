// `node receiver-program.mjs PORT`: answers each request with the number of octets of its body, and says back on an
// upgraded connection what it hears there.
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  let bytes = 0
  request.on('data', (chunk) => {
    bytes += chunk.length
  })
  request.on('end', () => {
    const content = `${bytes}\n`
    response.writeHead(200, { 'content-length': content.length }).end(content)
  })
})
server.on('upgrade', (_request, socket) => {
  socket.on('error', () => {})
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
  socket.pipe(socket)
})
server.keepAliveTimeout = 600_000
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 })
// Nobody uses it any more.
process.once('disconnect', () => process.exit())
