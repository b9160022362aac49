import { after, before, suite } from 'node:test'
import { ledger } from '../support/world/apps.ts'
import { startWorld, type TestWorld } from '../support/world.ts'
import { control } from './parts/control.ts'
import { damage } from './parts/damage.ts'
import { slow } from './parts/slow.ts'
import { stuck } from './parts/stuck.ts'

/** One ledger world for all tests that need one, because it takes long to start. Each part leaves it intact. */
suite('a world of the ledger', () => {
  let world: TestWorld | undefined
  before(async () => {
    world = await startWorld({ app: ledger })
  })
  after(() => world?.close())

  for (const part of [control, damage, slow, stuck]) part(() => world!)
})
