import { applySettings } from '../engines/postgres/control.ts'
import { messageOf } from '../lib/errors.ts'
import type { Snapshot } from './coordination/snapshot.ts'
import type { DatabaseMonitor } from './database/monitor.ts'
import { release } from './release/release.ts'
import type { Supervisor } from './supervision/supervisor.ts'
import type { AgentBase } from './types.ts'

/** The duties of the agent in the primary's region: the database's settings and the app's release. */
export class PrimaryDuties {
  readonly #agent: AgentBase
  readonly #database: DatabaseMonitor | undefined
  readonly #supervisor: Supervisor
  #settingsSent = false
  #releasing = false

  constructor(agent: AgentBase, database: DatabaseMonitor | undefined, supervisor: Supervisor) {
    this.#agent = agent
    this.#database = database
    this.#supervisor = supervisor
  }

  /** Call this in every coordination cycle. `before`: the previous leader, if known. */
  async follow(snapshot: Snapshot, before: string | undefined): Promise<void> {
    const { context, store } = this.#agent
    const self = context.region.name
    if (snapshot.leader?.region !== self) {
      this.#settingsSent = false
      return
    }
    if (before !== undefined && before !== self)
      await store.record('primary', { to: self, from: before }).catch(() => undefined)
    this.#sendSettingsOnce()
    this.#releaseOnce(snapshot)
  }

  /**
   * The cluster's settings are in etcd, where Patroni stored those of the world's first start. The primary's agent
   * updates them to the present topology. Settings that need a restart of PostgreSQL take effect at its next one.
   */
  #sendSettingsOnce(): void {
    const { context, log } = this.#agent
    if (this.#settingsSent) return
    this.#settingsSent = true
    void applySettings(context).then(
      (changed) => changed && log.info('updated database settings'),
      (error) => {
        this.#settingsSent = false
        log.warn({ error: messageOf(error) }, 'could not update database settings')
      },
    )
  }

  #releaseOnce(snapshot: Snapshot): void {
    const { record, context } = this.#agent
    const state = snapshot.releases[record.run]
    // An abandoned claim of this region is from an agent that crashed.
    const isOurs = state?.kind === 'running' && state.region === context.region.name
    if (this.#releasing || (state !== undefined && !isOurs)) return
    if (this.#database?.state.role !== 'primary' || this.#database.state.heartbeatAgeMs === undefined) return
    // The release uses the same addresses as the app: the region's own database endpoints and Redis.
    if (this.#supervisor.status().some(({ engine, state }) => engine !== 'app' && state !== 'ready')) return
    this.#releasing = true
    void release(this.#agent).finally(() => {
      this.#releasing = false
    })
  }
}
