import { after, before, suite } from 'node:test'
import { shop } from '../support/world/apps.ts'
import { startWorld, type TestWorld } from '../support/world.ts'
import { cache } from './parts/cache.ts'
import { processes } from './parts/processes.ts'
import { regions } from './parts/regions.ts'
import { workloads } from './parts/workloads.ts'

/** One shop world for all tests that need one, because it takes long to start. Each part leaves it intact. */
suite('a world of the shop', () => {
  let world: TestWorld | undefined
  before(async () => {
    world = await startWorld({ app: shop })
  })
  after(() => world?.close())

  for (const part of [cache, processes, regions, workloads]) part(() => world!)
})
