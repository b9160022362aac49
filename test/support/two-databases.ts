import { connect, createServer, type Server, type Socket } from 'node:net'
import type { WorkloadWorld } from '../../src/lab/workloads/types.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import { startPostgres, type TestPostgres } from './postgres.ts'
import { topologyOf, twoRegions } from './topologies.ts'

const [writePort, readPort] = [6432, 6433]

/**
 * The databases of two regions without the rest: a primary and its asynchronous standby, each behind the endpoints of a
 * region. Light enough to run next to a world, and with deterministic faults.
 */
export type TwoDatabases = {
  world: WorkloadWorld
  primary: TestPostgres
  standby: TestPostgres
  /** Sets the target of a region's write endpoint. Closes sessions to other targets. */
  leadWrites: (region: 'us-east' | 'us-west', to: TestPostgres) => void
  stop: () => Promise<void>
}

export async function startTwoDatabases(): Promise<TwoDatabases> {
  const primary = await startPostgres()
  // The app's role and its database share a name.
  await primary.query('CREATE DATABASE shop')
  const standby = await primary.standby()
  const servers = { 'us-east': primary, 'us-west': standby }
  const regions = { ...twoRegions }
  for (const [name, { host }] of Object.entries(servers))
    Object.assign(regions, { [name]: { ...twoRegions[name as keyof typeof servers], address: host } })
  const topology = topologyOf(regions, {
    database: { name: 'shop' },
    ports: { databaseWrite: writePort, databaseRead: readPort },
  })
  const writes = {
    'us-east': await forward(primary.host, writePort, primary),
    'us-west': await forward(standby.host, writePort, primary),
  }
  const reads = [
    await forward(primary.host, readPort, primary),
    await forward(standby.host, readPort, standby),
  ]
  return {
    world: { topology, regions: regionsOf(topology), secrets: { app: 'trusted' } },
    primary,
    standby,
    leadWrites: (region, to) => writes[region].lead(to),
    async stop() {
      for (const one of [...Object.values(writes), ...reads]) one.close()
      await standby.stop()
      await primary.stop()
    },
  }
}

type Endpoint = { host: string; port: number }

async function forward(host: string, port: number, first: Endpoint) {
  let leadsTo = first
  const open = new Set<Socket>()
  const server: Server = createServer((client) => {
    const upstream = connect(leadsTo.port, leadsTo.host)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    lead(to: Endpoint) {
      leadsTo = to
      cut()
    },
    close() {
      server.close()
      cut()
    },
  }
}
