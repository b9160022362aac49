import { after, before, suite } from 'node:test'
import { ledger } from '../support/world/apps.ts'
import { startWorld, type TestWorld } from '../support/world.ts'
import { control } from './parts/control.ts'
import { stuck } from './parts/stuck.ts'

/** One world of the ledger for everything that needs one: it takes a while to come up. Each part leaves it whole. */
suite('a world of the ledger', () => {
  let world: TestWorld | undefined
  before(async () => {
    world = await startWorld({ app: ledger })
  })
  after(() => world?.close())

  for (const part of [control, stuck]) part(() => world!)
})
