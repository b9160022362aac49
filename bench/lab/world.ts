import { labPlace } from '../../test/support/lab/place.ts'
import { LabWorld } from '../../test/support/lab/world.ts'
import { ledger, type TestApp } from '../../test/support/world/apps.ts'
import { twoRegionsAndWitness, type WorldOptions } from '../../test/support/world.ts'

export type LabOptions = {
  app?: TestApp
  regions?: WorldOptions['regions']
  topology?: WorldOptions['topology']
}

/** Creates a lab and moves this process into its router for good. Only once per process. */
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

/** Round trip between two regions, as set in the shaper. */
export const roundTripMs = (lab: LabWorld, from: string, to: string): number =>
  lab.line(from, to).delayMs + lab.line(to, from).delayMs
