import { dirname, join } from 'node:path'
import { cacheDir } from '../../../setup/paths.mjs'
import { createKnotControl } from '../../engines/knot/control.ts'
import { createKnotSteering, type KnotSteering } from '../../engines/knot/steering.ts'
import { messageOf } from '../../lib/errors.ts'
import { runToEnd } from '../../lib/run-to-end.ts'
import { type AvailabilityByRegion, rampShare } from '../../steering/availability.ts'
import { buildTable, readTable } from '../../steering/build.ts'
import type { Snapshot } from '../coordination/store.ts'
import type { AgentBase } from '../types.ts'

export type SteeringState =
  | { kind: 'building' }
  | { kind: 'answering'; mark: string; prefixes: number }
  | { kind: 'failed'; why: string }

type SteeringAgent = Pick<AgentBase, 'context' | 'record' | 'launcher' | 'log' | 'stopping'>

/**
 * Keeps the region's Knot answering according to the agreed health. The steering table is built in the background, once
 * per topology. Until it is there, Knot answers from its initial map, so a starting world is reachable immediately.
 */
export class DnsSteering {
  state: SteeringState = { kind: 'building' }
  readonly #agent: SteeringAgent
  #knot: KnotSteering | undefined
  #prefixes = 0
  #wanted: AvailabilityByRegion = {}
  #busy = false
  /** When a region became healthy again, by this agent's clock. Regions that were always healthy have no entry. */
  #healthySince = new Map<string, { revision: string; at: number }>()

  constructor(agent: SteeringAgent) {
    this.#agent = agent
  }

  async start(): Promise<void> {
    const agent = this.#agent
    const { topology } = agent.context
    try {
      const file = await buildTable({
        topology,
        folder: dirname(agent.record.topologyFile),
        cacheFolder: join(cacheDir(process.env), 'steering'),
      })
      const table = await readTable(file)
      this.#prefixes = table.covers[0].lengths.length + table.covers[1].lengths.length
      const control = createKnotControl({
        folder: agent.context.folder,
        server: { address: agent.context.region.address, port: topology.ports.dns },
        domain: topology.domain,
        run: (command) => runToEnd(agent.launcher.prepare('engine', command, {}), 30_000),
      })
      this.#knot = createKnotSteering({ topology, table, control })
      await this.#reconcile()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Call this in every coordination cycle. */
  update(snapshot: Snapshot): void {
    this.#wanted = this.#availability(snapshot)
    if (this.#knot && !this.#busy) void this.#reconcile()
  }

  async #reconcile(): Promise<void> {
    if (!this.#knot || this.#busy || this.#agent.stopping) return
    this.#busy = true
    try {
      const result = await this.#knot.reconcile(this.#wanted)
      if (result.kind === 'refused') this.#fail(new Error(`${result.stage}: ${result.detail}`))
      else {
        if (result.kind === 'applied') this.#agent.log.info({ ...result }, 'applied DNS map')
        if (result.kind !== 'stored')
          this.state = { kind: 'answering', mark: result.mark, prefixes: this.#prefixes }
        // Knot is not running and will load the stored map when it starts. That is normal only while a world starts.
        else if (this.state.kind !== 'building') this.#fail(new Error('Knot does not answer'))
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#busy = false
    }
  }

  #fail(error: unknown): void {
    const why = messageOf(error)
    if (this.state.kind !== 'failed' || this.state.why !== why)
      this.#agent.log.error({ error: why }, 'DNS steering failed')
    this.state = { kind: 'failed', why }
  }

  /**
   * Availability by the agreed health, with a ramp for a region that became healthy again while this agent was running.
   */
  #availability(snapshot: Snapshot): AvailabilityByRegion {
    const { rampSeconds } = this.#agent.context.topology.steering
    const now = performance.now()
    const availability: Record<string, AvailabilityByRegion[string]> = {}
    for (const [region, { state, revision, sinceMs }] of Object.entries(snapshot.health)) {
      if (state !== 'healthy') {
        this.#healthySince.set(region, { revision, at: now })
        availability[region] = { kind: 'unhealthy' }
        continue
      }
      const known = this.#healthySince.get(region)
      if (known && known.revision !== revision)
        this.#healthySince.set(region, { revision, at: now - sinceMs })
      const since = this.#healthySince.get(region)
      availability[region] = { kind: 'healthy', share: since ? rampShare(now - since.at, rampSeconds) : 1 }
    }
    return availability
  }
}
