import { createServer, type ServerResponse } from 'node:http'

/** An app that answers 1 kB, and files of any size at `/files/NAME/BYTES`: `node node-app.ts ADDRESS PORT`. */
const [address, port] = process.argv.slice(2)
const kilobyte = 'nearside'.repeat(128)
const block = Buffer.alloc(256 * 1024, kilobyte)

const server = createServer((request, response) => {
  const file = request.url!.startsWith('/files/') ? Number(request.url!.split('/')[3]) : undefined
  if (file !== undefined) return sendFile(response, file)
  response.writeHead(200, { 'content-type': 'text/html', 'content-length': kilobyte.length })
  response.end(kilobyte)
})
// Longer than any proxy keeps an idle connection.
server.keepAliveTimeout = 600_000
server.listen(Number(port), address)

function sendFile(response: ServerResponse, bytes: number): void {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': bytes,
    'cache-control': 'max-age=3600',
  })
  let left = bytes
  const more = () => {
    while (left > 0) {
      const part = left < block.length ? block.subarray(0, left) : block
      left -= part.length
      if (!response.write(part)) return void response.once('drain', more)
    }
    response.end()
  }
  more()
}
