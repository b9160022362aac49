import type { Topology } from '../../src/topology/schema.ts'
import { startKnot } from '../../test/support/knot.ts'
import type { NameServer, StartServer } from './servers.ts'

/** Ours: the region's Knot with the files of its plan. The agent's own code applies its maps. */
export const startOurs =
  (topology: Topology, region: string): StartServer =>
  async ({ map }): Promise<NameServer> => {
    const knot = await startKnot(topology, region)
    const change = async (changed: typeof map) => {
      const result = await knot.control.apply(changed)
      if (result.kind !== 'applied') throw new Error(`Knot: ${JSON.stringify(result)}`)
    }
    await change(map)
    return {
      name: 'Knot',
      server: { address: knot.region.address, port: topology.ports.dns },
      pids: () => [knot.pid()!],
      change,
      output: knot.output,
      stop: knot.stop,
    }
  }
