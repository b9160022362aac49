import type { HaproxyControl } from '../../engines/haproxy/control.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'

/**
 * After a reload, HAProxy's old worker keeps its database sessions but checks no servers any more. The sessions of a
 * crashed primary are closed by itself or by the kernel, but those of a hung one stay open. So when the primary has
 * moved, the agent closes the old workers' sessions with other regions. New connections never depend on this.
 */
export class OldSessions {
  readonly #log: Logger
  readonly #haproxy: Pick<HaproxyControl, 'endOldSessions'>

  constructor(log: Logger, haproxy: Pick<HaproxyControl, 'endOldSessions'>) {
    this.#log = log
    this.#haproxy = haproxy
  }

  /** Call this in every coordination cycle, with the current and the previous leader, if known. */
  async follow(primary: string | undefined, before: string | undefined): Promise<void> {
    if (primary === undefined || before === undefined || primary === before) return
    try {
      const sessions = await this.#haproxy.endOldSessions(primary)
      if (sessions > 0)
        this.#log.info({ sessions, primary }, 'closed database sessions of old HAProxy workers')
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'could not close database sessions of old HAProxy workers')
    }
  }
}
