import { patroniRequest } from '../engines/postgres/control.ts'
import { messageOf } from '../lib/errors.ts'
import type { AgentBase } from './base.ts'
import type { Snapshot } from './shared.ts'

/** Patroni looks up from its pause whenever its configuration changes; this one changes nothing else. */
export async function wake(
  { context, log }: Pick<AgentBase, 'context' | 'log'>,
  region: string,
  why: string,
): Promise<void> {
  const { address } = context.regions.find((one) => one.name === region)!
  const note = { nearside_woken: `${why} ${Date.now()}` }
  await patroniRequest(context, address, 'PATCH', '/config', note, 2000).catch((error) =>
    log.warn({ region, error: messageOf(error) }, 'a database could not be woken'),
  )
}

/** Between two calls to the region's own Patroni while nobody leads. */
const againMs = 700

/**
 * A Patroni whose watch on etcd went through a member that has fallen silent reads everything anew from another one,
 * and does not look at what it has read until its pause of 5 s is over: the election waits for it. So while nobody
 * leads, each region's own Patroni is woken again and again: the first call may end in the same silence.
 */
export class ElectionWaker {
  readonly #agent: Pick<AgentBase, 'context' | 'log' | 'stopping'>
  #wokenMs = -Infinity

  constructor(agent: Pick<AgentBase, 'context' | 'log' | 'stopping'>) {
    this.#agent = agent
  }

  /** To be called after every look at the shared state. */
  update({ initialized, leader }: Snapshot): void {
    const { region } = this.#agent.context
    if (!region.full || !initialized || leader || this.#agent.stopping) return
    const now = performance.now()
    if (now - this.#wokenMs < againMs) return
    this.#wokenMs = now
    void wake(this.#agent, region.name, 'nobody leads')
  }
}
