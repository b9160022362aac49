import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { databaseClients } from '../../../src/engines/context.ts'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { type RawConnection, rawConnection } from '../../support/requests.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

const stranger = '127.0.0.11'

// PostgreSQL is a fake that sends the name of its region to every client.
describe('database endpoints', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      changes: { database: { holdSeconds: 20 } },
      // On one machine every loopback address is the world's own. This one is not.
      alter: (_, content) => content.replaceAll('!{ src 127.0.0.0/8 }', `{ src ${stranger} }`),
    })
  })
  after(() => world?.stop())

  const write = (edge: string) => world.at(edge).raw('', world.topology.ports.databaseWrite)
  const read = (edge: string) => world.at(edge).raw('', world.topology.ports.databaseRead)

  async function answer(connection: RawConnection): Promise<string> {
    const text = await connection.wait('a name', (received) => received.includes('\n'))
    connection.close()
    return text.trim()
  }

  test('admit whom PostgreSQL admits; others take no connection from the app', async () => {
    const { address } = world.at('us-east').region
    const { databaseWrite, databaseRead } = world.topology.ports
    for (const port of [databaseWrite, databaseRead]) {
      const strangers = Array.from({ length: 20 }, () => rawConnection(address, port, '', stranger))
      for (const one of strangers) assert.equal(await one.closed(), '')
    }
    for (const proxy of ['database-primary', 'database-replica']) {
      const rows = await world.at('us-east').control.stats()
      assert.equal(rows.find((row) => row.proxy === proxy && row.kind === 'frontend')!.current, 0)
    }
    const { region } = world.at('us-east')
    const on = (host: string, full = true) => ({ ...region, address: host, full })
    assert.deepEqual(databaseClients([region]), ['127.0.0.0/8'])
    assert.deepEqual(databaseClients([on('10.0.0.1'), on('10.0.0.2'), on('10.0.0.3', false)]), [
      '10.0.0.1/32',
      '10.0.0.2/32',
    ])
  })

  test('6432 leads to the primary, in whichever region it is', async () => {
    for (const edge of ['us-east', 'us-west']) assert.equal(await answer(write(edge)), 'us-east')
    await world.setPrimary('us-west')
    for (const edge of ['us-east', 'us-west']) assert.equal(await answer(write(edge)), 'us-west')
    await world.setPrimary('us-east')
  })

  test('6433 leads to the region’s own database', async () => {
    for (const edge of ['us-east', 'us-west']) assert.equal(await answer(read(edge)), edge)
  })

  test('6433 leads to the primary while the local replica lags or is down', async () => {
    const west = world.at('us-west')
    west.patroni.lagging = true
    await until('reads to go to the primary', async () => (await answer(read('us-west'))) === 'us-east')
    west.patroni.lagging = false
    await until('reads to come home', async () => (await answer(read('us-west'))) === 'us-west')
    await west.patroni.stop()
    await west.database.stop()
    await until('reads to go to the primary', async () => (await answer(read('us-west'))) === 'us-east')
    await west.patroni.start()
    await west.database.start()
    await until('reads to come home', async () => (await answer(read('us-west'))) === 'us-west')
  })

  test('sessions on a former primary are closed', async () => {
    const sessions = [write('us-east'), write('us-west')]
    for (const session of sessions) await session.wait('a name', (text) => text === 'us-east\n')
    await world.setPrimary('us-west')
    for (const session of sessions) await session.closed()
    await world.setPrimary('us-east')
  })

  test('a connection waits while there is no primary, and data sent meanwhile arrives', async () => {
    await world.setPrimary(undefined)
    const { control } = world.at('us-west')
    const waiting = write('us-west')
    waiting.socket.write('hello\n')
    await until('it to be taken', async () =>
      (await control.stats()).some((row) => row.proxy === 'database-primary' && row.current === 1),
    )
    assert.equal(waiting.received(), '')
    await world.setPrimary('us-west')
    assert.equal(await waiting.wait('an echo', (text) => text.includes('hello')), 'us-west\nhello\n')
    waiting.close()
    await world.setPrimary('us-east')
  })

  test('a write that is released finds 6432 open: both open at the same instant', async () => {
    // Like any app, it connects to 6432 when a write arrives.
    for (const edge of ['us-east', 'us-west'])
      for (const app of world.at(edge).apps)
        app.handle = async (_, response) => {
          response.end(await answer(write(edge)))
        }
    for (let round = 0; round < 3; round++)
      for (const primary of ['us-west', 'us-east']) {
        await world.setPrimary(undefined)
        const writes = ['us-east', 'us-west', 'us-east', 'us-west'].map((edge) =>
          world.at(edge).ask('/', { method: 'POST' }),
        )
        await world.setPrimary(primary)
        for (const reply of await Promise.all(writes)) {
          assert.equal(reply.status, 200)
          assert.equal(reply.body, primary)
          assert.equal(reply.headers['nearside-region'], primary)
        }
      }
  })

  test('right after a start, no database counts as the primary before its check has confirmed it', async () => {
    const west = world.at('us-west')
    await west.haproxy.kill()
    await west.haproxy.start()
    // us-west holds a replica, so the first connection that is accepted must lead to us-east.
    const first = await until('a connection', async () => {
      const connection = write('us-west')
      const text = await connection.wait(
        'a name',
        (received) => received.includes('\n') || connection.socket.destroyed,
      )
      connection.close()
      return text
    })
    assert.equal(first, 'us-east\n')
  })
})
