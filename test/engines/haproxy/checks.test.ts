import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { appPort } from '../../../src/topology/regions.ts'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { listening } from '../../support/net.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

/**
 * Servers that write a response in parts, like many in Python, and keep count of how each connection of a health check
 * ends: with FIN, or with a reset (RST), which such a server logs as an error.
 */
type Ends = { fin: number; reset: number }

function slowServer(answer: readonly string[]): { server: Server; ends: Ends } {
  const ends: Ends = { fin: 0, reset: 0 }
  const server = createServer((socket: Socket) => {
    let isReset = false
    socket.on('error', () => {
      isReset = true
    })
    socket.once('close', () => {
      if (isReset) ends.reset += 1
      else ends.fin += 1
    })
    socket.once('data', () => {
      const rest = [...answer]
      const next = () => {
        const part = rest.shift()
        if (part === undefined) {
          // Reading on shows how the peer ends the connection.
          setTimeout(() => socket.end(), 5)
          return
        }
        socket.write(part)
        setTimeout(next, 2)
      }
      next()
    })
    socket.on('data', () => undefined)
  })
  return { server, ends }
}

const app = (body: string) => [
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`,
  ...(body.match(/.{1,4}/gs) ?? []),
]
const patroni = '{"state": "running", "role": "primary"}'

describe('health checks', () => {
  let world: EdgeWorld
  const servers: Record<string, ReturnType<typeof slowServer>> = {
    'an app without a body': slowServer(app('')),
    'an app with a body in parts': slowServer(app('everything is fine')),
    Patroni: slowServer(app(patroni)),
  }
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
    const east = world.at('us-east')
    await Promise.all([...east.apps, east.patroni].map((fake) => fake.stop()))
    const ports = [0, 1].map((instance) => appPort(world.topology, east.region, instance))
    const [first, second, third] = Object.values(servers)
    await listening(first!.server, east.region.address, ports[0]!)
    await listening(second!.server, east.region.address, ports[1]!)
    await listening(third!.server, east.region.address, world.topology.ports.patroni)
  })
  after(async () => {
    for (const { server } of Object.values(servers)) server.close()
    await world?.stop()
  })

  for (const [name, { ends }] of Object.entries(servers))
    test(`end each connection to ${name} with FIN, never with a reset`, async () => {
      await until('twenty checks', () => ends.fin + ends.reset >= 20)
      assert.equal(ends.reset, 0, JSON.stringify(ends))
    })

  test('find these servers healthy', async () => {
    const east = world.at('us-east')
    await until('both instances', async () => (await east.up('app')).length === 2)
    await until('the primary', async () => (await east.up('primary')).includes('us-east'))
  })
})
