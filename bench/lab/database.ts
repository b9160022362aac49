import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readWorld } from '../../src/agent/layout.ts'
import type { Secrets } from '../../src/topology/secrets.ts'
import type { TestWorld } from '../../test/support/world.ts'

/** A region's endpoint, as given to its app. */
export type Database = { host: string; port: number; user: string; password: string; database: string }

/** `write` leads to the primary wherever it is, `read` to the region's own replica. */
export async function databaseAt(
  world: TestWorld,
  region: string,
  endpoint: 'write' | 'read',
): Promise<Database> {
  const { database, ports } = (await readWorld(world.folder)).topology
  const { app } = JSON.parse(readFileSync(join(world.folder, 'secrets.json'), 'utf8')) as Secrets
  return {
    host: world.address(region),
    port: endpoint === 'write' ? ports.databaseWrite : ports.databaseRead,
    user: database.name,
    password: app,
    database: database.name,
  }
}
