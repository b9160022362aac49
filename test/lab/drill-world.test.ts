import { after, before, suite } from 'node:test'
import { ledger } from '../support/world/apps.ts'
import { startWorld, type TestWorld } from '../support/world.ts'
import { drill } from './parts/drill.ts'

suite('a drill in a world of this machine', () => {
  let world: TestWorld
  before(async () => {
    world = await startWorld({ app: ledger })
    await world.settled()
  })
  after(() => world?.close())

  drill(() => world)
})
