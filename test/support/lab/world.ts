import { labFolder } from '../../../src/lab/network/registry.ts'
import { connectShaper, type Link, type LinkParams, type Shaper } from '../../../src/lab/wan/index.ts'
import { ledger } from '../world/apps.ts'
import { startWorld, type TestWorld, type WorldOptions } from '../world.ts'
import type { LabPlace } from './place.ts'

/** A lab that runs the ledger or another app, with control over its lines. */
export class LabWorld {
  readonly world: TestWorld
  readonly place: LabPlace
  readonly shaper: Shaper
  /** The initial settings of the lines. */
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

  /** The initial settings of one direction. */
  line(from: string, to: string): LinkParams {
    return this.base.find((link) => link.from === from && link.to === to)!.params
  }

  /** Drops all packets from `from` to these regions. */
  async cut(from: string, to: readonly string[]): Promise<void> {
    const links = this.base.filter((link) => link.from === from && to.includes(link.to))
    await this.shaper.set(links.map((link) => ({ ...link, params: { ...link.params, cut: true } })))
  }

  /** Restores the initial settings of every line. */
  heal(): Promise<void> {
    return this.shaper.set(this.base)
  }

  async close(): Promise<void> {
    this.shaper.close()
    await this.world.close()
  }
}
