// The API that docker-compose.yml hides: says what it was asked, on the port it is given. `node api.mjs PORT`
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  const { headers, method, url } = request
  response.setHeader('content-type', 'application/json')
  response.end(`${JSON.stringify({ message: 'Hello from behind the mesh.', method, url, headers }, null, 2)}\n`)
})
server.listen(Number(process.argv[2]), () => console.log(JSON.stringify(server.address())))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit())
