import { ask } from './ask.mjs'
import { answer, bulkBytes } from './backend.mjs'

/** Throws unless the answer, a download and an upload come whole through this side. */
export async function expectRightAnswers({ name, url }) {
  const small = await ask(urlOptions(url, '/'))
  expect(name, 'the small answer', small, small.body.toString() === answer)
  const download = await ask(urlOptions(url, '/10m'))
  expect(name, 'a download', download, download.body.length === bulkBytes)
  const upload = await ask({ ...urlOptions(url, '/upload'), method: 'POST' }, Buffer.alloc(bulkBytes))
  expect(name, 'an upload', upload, Number(upload.body.toString()) > bulkBytes)
}

function expect(name, what, { body, status }, right) {
  if (status === 200 && right) return
  throw new Error(`${what} through the ${name} came wrong: status ${status}, ${body.length} octets`)
}

function urlOptions(url, path) {
  const { hostname, port } = new URL(url)
  return { hostname, port, path }
}
