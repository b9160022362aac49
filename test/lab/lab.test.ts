import { after, before, suite } from 'node:test'
import { labPlace } from '../support/lab/place.ts'
import { LabWorld } from '../support/lab/world.ts'
import { ledger } from '../support/world/apps.ts'
import { commands } from './parts/commands.ts'
import { cuts } from './parts/cuts.ts'
import { distances } from './parts/distances.ts'
import { lost } from './parts/lost.ts'
import { users, withCities } from './parts/users.ts'

const place = await labPlace(ledger)

/** One lab for everything that needs one: it takes a while to come up. Each part leaves it whole. */
suite('a lab', { skip: 'skip' in place ? place.skip : false }, () => {
  let lab: LabWorld | undefined
  before(async () => {
    if (!('skip' in place)) lab = await LabWorld.start(place, { topology: withCities(place.lab!.temporary) })
  })
  after(() => lab?.close())

  for (const part of [distances, commands, users, cuts, lost]) part(() => lab!)
})
