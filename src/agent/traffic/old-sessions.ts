import type { HaproxyControl } from '../../engines/haproxy/control.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'

/**
 * After a reload, HAProxy's old worker carries on the database sessions that it has, and checks no server any more. A
 * primary that dies ends its sessions itself, or the kernel notices; one that hangs keeps them. So when the primary has
 * moved, the agent ends what old workers still carry to another region. New connections never depend on this.
 */
export class OldSessions {
  readonly #log: Logger
  readonly #haproxy: Pick<HaproxyControl, 'endOldSessions'>

  constructor(log: Logger, haproxy: Pick<HaproxyControl, 'endOldSessions'>) {
    this.#log = log
    this.#haproxy = haproxy
  }

  /** To be called after every look. `before`: the region that led until now; each as far as it is known. */
  async follow(primary: string | undefined, before: string | undefined): Promise<void> {
    if (primary === undefined || before === undefined || primary === before) return
    try {
      const sessions = await this.#haproxy.endOldSessions(primary)
      if (sessions > 0) this.#log.info({ sessions, primary }, 'old sessions ended')
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'old sessions could not be ended')
    }
  }
}
