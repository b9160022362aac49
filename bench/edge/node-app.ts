import { createServer } from 'node:http'

/** An app that only answers 1 kB: `node node-app.ts ADDRESS PORT`. */
const [address, port] = process.argv.slice(2)
const kilobyte = 'nearside'.repeat(128)
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/html', 'content-length': kilobyte.length })
  response.end(kilobyte)
})
// Longer than any proxy keeps an idle connection.
server.keepAliveTimeout = 600_000
server.listen(Number(port), address)
