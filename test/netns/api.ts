import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { answered } from './marks.ts'

/** The API to hide, as a program: answers everything with recognisable words and the length of what it was sent. */
const server = createServer((request, response) => {
  void text(request).then((content) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'x-answer': answered.field })
    response.end(`${answered.body} ${content.length}`)
  })
})
server.listen(3000, '0.0.0.0', () => process.stdout.write('ready\n'))
