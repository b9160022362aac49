import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../lib/errors.ts'
import { writeAside } from '../../lib/files.ts'
import { list } from '../../lib/format.ts'
import { identify } from '../../lib/proc.ts'
import type { ProcessStatus } from '../supervision/supervised-process.ts'
import type { AgentBase } from '../types.ts'

type StartAgent = Pick<AgentBase, 'context' | 'log'> & {
  store: Pick<AgentBase['store'], 'record'> & { purges: Pick<AgentBase['store']['purges'], 'add'> }
}

/** What pages in the caches may come from, as far as this region has already purged them. */
type Purged = {
  /** Process of each instance by its name. */
  instances: Record<string, string>
  pagesMaxSeconds?: number
}

/**
 * Purges the cached pages of all regions whenever an instance of the app has started: it may bring new code or a new
 * environment, also when it replaces one that crashed. Other regions' edges may have pages of the instance that it
 * replaced. The purge follows when the new instance is ready; by then the old one has ended, so the last purge of a
 * roll-out finds every page that old code has rendered.
 *
 * This also happens while `cdn.pages` is off: pages from before are still stored, and served when it is on again.
 *
 * It compares processes with those of the last purge instead of reacting to their start, so that an agent that was
 * restarted or could not reach etcd makes up for it.
 */
export class PurgeAfterStart {
  readonly #agent: StartAgent
  readonly #file: string
  #purged: Purged
  #busy = false

  constructor(agent: StartAgent) {
    this.#agent = agent
    this.#file = join(agent.context.folder, 'run', 'purged-for.json')
    this.#purged = read(this.#file)
  }

  /** Call this in every coordination cycle. */
  async follow(processes: readonly ProcessStatus[]): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      await this.#compare(processes)
    } catch (error) {
      this.#agent.log.warn({ error: messageOf(error) }, 'could not purge pages yet')
    } finally {
      this.#busy = false
    }
  }

  async #compare(processes: readonly ProcessStatus[]): Promise<void> {
    const { region, topology } = this.#agent.context
    const { pagesMaxSeconds } = topology.cdn
    const started = instancesOf(processes).filter(([name, id]) => this.#purged.instances[name] !== id)
    if (started.length > 0) {
      await this.#purge(`${list(started.map(([name]) => name))} of ${region.name} started`)
      const instances = { ...this.#purged.instances, ...Object.fromEntries(started) }
      await this.#note({ ...this.#purged, instances })
    }
    // Varnish uses the new limit once it is ready. What it stored before keeps the old one.
    const known = this.#purged.pagesMaxSeconds
    const isReady = processes.some(({ engine, state }) => engine === 'varnish' && state === 'ready')
    if (!isReady || known === pagesMaxSeconds) return
    if (known !== undefined && known > pagesMaxSeconds)
      await this.#purge('cdn.pagesMaxSeconds was lowered', [region.name])
    await this.#note({ ...this.#purged, pagesMaxSeconds })
  }

  async #purge(why: string, regions?: string[]): Promise<void> {
    const { store } = this.#agent
    const request = { scope: { kind: 'pages' } as const, ...(regions ? { regions } : {}) }
    const { number } = await store.purges.add(request)
    await store.record('purge', { number, ...request, why }).catch(() => undefined)
  }

  async #note(purged: Purged): Promise<void> {
    this.#purged = purged
    await writeAside(this.#file, JSON.stringify(purged), 0o600)
  }
}

/** Name and identity of each instance that is ready. */
function instancesOf(processes: readonly ProcessStatus[]): [string, string][] {
  return processes.flatMap(({ name, engine, state, pid }): [string, string][] => {
    const id = engine === 'app' && state === 'ready' && pid !== undefined ? identify(pid) : undefined
    return id ? [[name, `${id.pid} ${id.startTicks}`]] : []
  })
}

function read(file: string): Purged {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Purged
  } catch {
    return { instances: {} }
  }
}
