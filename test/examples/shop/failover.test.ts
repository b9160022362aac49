/** The shop with a primary, a lagging replica and a moving write endpoint: a failover from a region's view. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Order } from '../../../examples/shop/store/orders.ts'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { until } from '../../support/sandboxed.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { openShop, runProgram, type Shop } from './support.ts'

let primary: TestPostgres
let replica: TestPostgres
let writeEndpoint: TcpProxy
let shop: Shop

before(async () => {
  primary = await startPostgres()
  const { status, output } = await runProgram('seed.ts', { DATABASE_URL: primary.url })
  assert.equal(status, 0, output)
  replica = await primary.standby()
  writeEndpoint = await startTcpProxy(primary)
  shop = openShop({
    databaseUrl: `postgres://shop@${writeEndpoint.host}:${writeEndpoint.port}/postgres`,
    databaseReadUrl: replica.url,
  })
})

after(async () => {
  await shop?.close()
  await writeEndpoint?.stop()
  await Promise.all([replica?.stop(), primary?.stop()])
})

const lines = [{ productId: 8, quantity: 1 }]
const unknownOrder = '/orders/00000000-0000-4000-8000-000000000000'

test('a new order is shown before the replica has replayed it', async () => {
  await replica.query('SELECT pg_wal_replay_pause()')
  const { id } = (await (await shop.order({ reference: 'fresh', lines })).json()) as Order
  assert.deepEqual(await replica.query('SELECT FROM orders WHERE id = $1', [id]), [])
  assert.equal((await shop.get(`/orders/${id}`)).status, 200)

  const references = async (path: string) =>
    ((await (await shop.get(path)).json()) as { orders: Order[] }).orders.map(({ reference }) => reference)
  assert.deepEqual(await references('/api/orders?reference=fresh'), ['fresh'])
  assert.deepEqual(await references('/api/orders?reference=fresh&source=replica'), [])

  await replica.query('SELECT pg_wal_replay_resume()')
  await until('the replica to catch up', async () =>
    (await references('/api/orders?reference=fresh&source=replica')).includes('fresh'),
  )
})

test('without a primary, the shop is healthy, shows its pages, and claims nothing that only a primary knows', async () => {
  writeEndpoint.lead(undefined)
  assert.equal((await shop.get('/healthz')).status, 200)
  assert.equal((await shop.get('/')).status, 200)
  assert.equal((await shop.get('/products/8')).status, 200)

  const unknown = await shop.get(unknownOrder)
  assert.equal(unknown.status, 503)
  assert.equal(unknown.headers.get('retry-after'), '2')
  writeEndpoint.lead(primary)
  assert.equal((await shop.get(unknownOrder)).status, 404)
})

test('an order during the loss of the primary is placed once the replica is promoted', async () => {
  const tried = writeEndpoint.taken()
  await primary.kill()
  writeEndpoint.lead(undefined)
  const ordering = shop.order({ reference: 'meanwhile', lines })
  await until('the order to be tried', () => writeEndpoint.taken() > tried)
  await replica.query('SELECT pg_promote()')
  writeEndpoint.lead(replica)

  assert.equal((await ordering).status, 201)
  assert.deepEqual(await replica.query("SELECT submissions FROM orders WHERE reference = 'meanwhile'"), [
    { submissions: 1 },
  ])
})

test('without a replica, the shop reports itself unhealthy', async () => {
  await replica.kill()
  await until('the health check to notice', async () => (await shop.get('/healthz')).status === 503)
  assert.deepEqual(await (await shop.get('/healthz')).json(), {
    status: 'not ready',
    region: 'us-west',
    database: 'down',
    cache: 'off',
  })
  assert.equal((await shop.get('/')).status, 503)
  assert.deepEqual(shop.log, [])
})
