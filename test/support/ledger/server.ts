import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import pg from 'pg'
import { withErrorHandlers } from '../../../src/lab/workloads/ledger/connections.ts'
import { type Written, writeOnce } from '../../../src/lab/workloads/ledger/transaction.ts'

/**
 * A minimal app that can list its writes afterwards. It never retries, and answers with exactly what it knows about a
 * write (`Written`): 201 if the write was acknowledged, else 503.
 */

const { HOST, PORT, DATABASE_URL, DATABASE_READ_URL, NEARSIDE_REGION } = process.env

/** At least the users' own timeout, so that the app never gives up on a write first. */
const answerTimeoutMs = 60_000
/** A short lifetime, so that connections routed to another region during an outage soon return to the own database. */
const connections = { max: 20, maxLifetimeSeconds: 3 }
const primary = new pg.Pool({
  connectionString: DATABASE_URL!,
  connectionTimeoutMillis: answerTimeoutMs,
  ...connections,
})
const replica = new pg.Pool({
  connectionString: DATABASE_READ_URL!,
  connectionTimeoutMillis: 5_000,
  query_timeout: 5_000,
  ...connections,
})
for (const pool of [primary, replica]) withErrorHandlers(pool)

/** Records the server and the timeline of each row, as reported by that server. */
const append = `
  INSERT INTO entries
  VALUES ($1, inet_server_addr(), ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int)
  RETURNING host(server) AS server, timeline`

async function write(reference: string): Promise<{ status: number; body: Written }> {
  const written = await writeOnce(primary, answerTimeoutMs, append, [reference])
  const { outcome, why } = written
  return outcome === 'ok' ? { status: 201, body: written } : { status: 503, body: { outcome, why } }
}

/** All entries and the database that answered. During an outage, a region's endpoint leads to another region. */
async function entries(source: string | null): Promise<{ status: number; body: unknown }> {
  const pool = source === 'replica' ? replica : primary
  const { rows } = await pool.query<{ server: string; entries: [reference: string, count: number][] }>(
    `SELECT host(inet_server_addr()) AS server, coalesce(json_agg(json_build_array(reference, count)), '[]') AS entries
     FROM (SELECT reference, count(*)::int FROM entries GROUP BY reference) AS counted`,
  )
  return { status: 200, body: rows[0] }
}

async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const { pathname, searchParams } = new URL(request.url!, 'http://ledger')
  if (pathname === '/entries' && request.method === 'POST') return write(searchParams.get('reference') ?? '')
  if (pathname === '/entries') return entries(searchParams.get('source'))
  // Health checks and all pages: one query to the replica.
  await replica.query('SELECT 1')
  return { status: 200, body: { region: NEARSIDE_REGION } }
}

function send(response: ServerResponse, { status, body }: { status: number; body: unknown }): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

let rendered = 0

/** What Next.js sends with a page that was rendered when the app was built: caches may keep it for a year. */
function sendPrerendered(response: ServerResponse): void {
  response.setHeader('cache-control', 's-maxage=31536000, stale-while-revalidate')
  response.end(`${NEARSIDE_REGION} ${process.pid} ${++rendered}`)
}

const server = createServer((request, response) => {
  request.resume()
  if (request.url?.startsWith('/prerendered')) return sendPrerendered(response)
  answer(request).then(
    (result) => send(response, result),
    (error) => send(response, { status: 503, body: { why: String(error) } }),
  )
})
server.keepAliveTimeout = 75_000
server.listen(Number(PORT), HOST)
process.on('SIGTERM', () => process.exit(0))
