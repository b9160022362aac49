import { labPlace } from '../../test/support/lab/place.ts'
import { LabWorld } from '../../test/support/lab/world.ts'
import { ledger, type TestApp } from '../../test/support/world/apps.ts'
import { twoRegionsAndWitness, type WorldOptions } from '../../test/support/world.ts'

export type LabOptions = {
  app?: TestApp
  regions?: WorldOptions['regions']
  topology?: WorldOptions['topology']
}

/** A lab of this process's own; from here on the process is inside its router. Only once in a process. */
export async function withLab<T>(options: LabOptions, use: (lab: LabWorld) => Promise<T>): Promise<T> {
  const { app = ledger, regions = twoRegionsAndWitness, topology } = options
  const place = await labPlace(app, regions)
  if ('skip' in place) throw new Error(place.skip)
  const lab = await LabWorld.start(place, { app, regions, ...(topology ? { topology } : {}) })
  try {
    return await use(lab)
  } finally {
    await lab.close()
  }
}

/** There and back between two regions, as the shaper has been told. */
export const roundTripMs = (lab: LabWorld, from: string, to: string): number =>
  lab.line(from, to).delayMs + lab.line(to, from).delayMs
