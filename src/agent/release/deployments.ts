import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../lib/errors.ts'
import { writeAside } from '../../lib/files.ts'
import type { ProcessStatus } from '../supervision/supervised-process.ts'
import type { AgentBase } from '../types.ts'

/** Counts the app's releases that were started in this region since this agent started. */
export class Deployments {
  count = 0
  readonly #agent: Pick<AgentBase, 'context' | 'record' | 'log'>

  constructor(agent: Pick<AgentBase, 'context' | 'record' | 'log'>) {
    this.#agent = agent
  }

  /** Counts a release once all instances run it, unless an earlier agent has counted it. */
  update(processes: readonly ProcessStatus[]): void {
    const { context, record, log } = this.#agent
    if (!processes.every(({ engine, state }) => engine !== 'app' || state === 'ready')) return
    const file = join(context.folder, 'run', 'deployed')
    const counted = existsSync(file) ? readFileSync(file, 'utf8') : ''
    if (counted === record.run) return
    this.count += 1
    void writeAside(file, record.run, 0o600).catch((error) =>
      log.warn({ error: messageOf(error) }, 'could not record the deployment'),
    )
  }
}
