import { labFolder } from '../../../src/lab/network/registry.ts'
import { connectShaper, type Link, type LinkParams, type Shaper } from '../../../src/lab/wan/index.ts'
import { ledger } from '../world/apps.ts'
import { startWorld, type TestWorld, type WorldOptions } from '../world.ts'
import type { LabPlace } from './place.ts'

/** A lab with the ledger in it (or another app), and its lines in our hands. */
export class LabWorld {
  readonly world: TestWorld
  readonly place: LabPlace
  readonly shaper: Shaper
  /** The lines as they were in the beginning. */
  readonly base: readonly Link[]

  static async start(place: LabPlace, options: Omit<Partial<WorldOptions>, 'place'> = {}): Promise<LabWorld> {
    const world = await startWorld({ app: ledger, ...options, place })
    try {
      const shaper = await connectShaper(labFolder(place.id))
      await world.settled()
      return new LabWorld(world, place, shaper, await shaper.params())
    } catch (error) {
      await world.close()
      throw error
    }
  }

  private constructor(world: TestWorld, place: LabPlace, shaper: Shaper, base: readonly Link[]) {
    this.world = world
    this.place = place
    this.shaper = shaper
    this.base = base
  }

  /** One direction as it was in the beginning. */
  line(from: string, to: string): LinkParams {
    return this.base.find((link) => link.from === from && link.to === to)!.params
  }

  /** Nothing that `from` sends arrives at any of these. */
  async cut(from: string, to: readonly string[]): Promise<void> {
    const links = this.base.filter((link) => link.from === from && to.includes(link.to))
    await this.shaper.set(links.map((link) => ({ ...link, params: { ...link.params, cut: true } })))
  }

  /** Every line as it was in the beginning. */
  heal(): Promise<void> {
    return this.shaper.set(this.base)
  }

  async close(): Promise<void> {
    this.shaper.close()
    await this.world.close()
  }
}
