import { dirname, join } from 'node:path'
import { cacheDir } from '../../../setup/paths.mjs'
import { createKnotControl } from '../../engines/knot/control.ts'
import { createKnotSteering, type KnotSteering } from '../../engines/knot/steer.ts'
import { messageOf } from '../../lib/errors.ts'
import { type AvailabilityByRegion, rampShare } from '../../steering/availability.ts'
import { buildTable, readTable } from '../../steering/build.ts'
import type { Snapshot } from '../coordination/store.ts'
import { runToEnd } from '../supervision/check.ts'
import type { AgentBase } from '../types.ts'

export type SteeringState =
  | { kind: 'building' }
  | { kind: 'answering'; mark: string; prefixes: number }
  | { kind: 'failed'; why: string }

type SteeringAgent = Pick<AgentBase, 'context' | 'record' | 'launcher' | 'log' | 'stopping'>

/**
 * Keeps the region's Knot answering by what the agents have agreed on. The table of prefixes is made in the
 * background, once for a topology; until it is there Knot answers every user with the first healthy-looking default of its
 * initial map, so a world that starts is reachable at once.
 */
export class DnsSteering {
  state: SteeringState = { kind: 'building' }
  readonly #agent: SteeringAgent
  #knot: KnotSteering | undefined
  #prefixes = 0
  #wanted: AvailabilityByRegion = {}
  #busy = false
  /** When this agent first saw a region healthy again, by its own clock; a region healthy from the start has no entry. */
  #healthySince = new Map<string, { revision: string; at: number; wasLost: boolean }>()

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
        run: (command) => runToEnd(agent.launcher.dress('engine', command, {}), 30_000),
      })
      this.#knot = createKnotSteering({ topology, table, control })
      await this.#reconcile()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** To be called after every look at the store state. */
  update(snapshot: Snapshot): void {
    this.#wanted = this.#health(snapshot)
    if (this.#knot && !this.#busy) void this.#reconcile()
  }

  async #reconcile(): Promise<void> {
    if (!this.#knot || this.#busy || this.#agent.stopping) return
    this.#busy = true
    try {
      const result = await this.#knot.reconcile(this.#wanted)
      if (result.kind === 'refused') this.#fail(new Error(`${result.stage}: ${result.detail}`))
      else {
        if (result.kind === 'applied') this.#agent.log.info({ ...result }, 'steering')
        if (result.kind !== 'stored')
          this.state = { kind: 'answering', mark: result.mark, prefixes: this.#prefixes }
        // It will answer from the map that lies there once it runs; while a world starts, that is to be expected.
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
      this.#agent.log.error({ error: why }, 'steering')
    this.state = { kind: 'failed', why }
  }

  /** The agreed states, with a ramp for a region that came back while this agent looked on. */
  #health(snapshot: Snapshot): AvailabilityByRegion {
    const { rampSeconds } = this.#agent.context.topology.steering
    const now = performance.now()
    const health: Record<string, AvailabilityByRegion[string]> = {}
    for (const [region, { state, revision, sinceMs }] of Object.entries(snapshot.health)) {
      if (state !== 'healthy') {
        this.#healthySince.set(region, { revision, at: now, wasLost: true })
        health[region] = { kind: 'unhealthy' }
        continue
      }
      const known = this.#healthySince.get(region)
      if (known?.wasLost && known.revision !== revision)
        this.#healthySince.set(region, { revision, at: now - sinceMs, wasLost: true })
      const since = this.#healthySince.get(region)
      health[region] = { kind: 'healthy', share: since ? rampShare(now - since.at, rampSeconds) : 1 }
    }
    return health
  }
}
