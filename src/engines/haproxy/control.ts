import { join } from 'node:path'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { askUnixSocket } from '../../lib/unix-socket.ts'
import { proxies, tables } from './layout.ts'
import {
  parseOldWorkers,
  parseSessions,
  parseStats,
  parseTable,
  parseWorkerPid,
  type StatRow,
} from './parse.ts'
import { type Bypassed, type Edge, parseBypassed, parseServed, type Served } from './traffic.ts'

export type HaproxyControl = {
  /** Process id of the worker that accepts new connections. Each reload starts a new one, with its own counters. */
  workerPid(): Promise<number>
  stats(): Promise<StatRow[]>
  /** Requests since the worker started, by serving region and reason. */
  served(edge: Edge): Promise<Served[]>
  /** Requests that were sent past Varnish since the worker started. */
  bypassed(): Promise<Bypassed>
  /** Writes that are being held because there is no primary. */
  holding(): Promise<number>
  /**
   * Closes the database sessions of old workers with any region other than `primary`; resolves to their number. After a
   * reload an old worker checks no servers any more, so it would keep its sessions with a hung primary.
   */
  endOldSessions(primary: string): Promise<number>
  /** Requests for pages go to the app until its responses allow caching again. */
  forgetLearned(): Promise<void>
}

/** Control of the HAProxy in this region folder. */
export function haproxyIn(folder: string, timeoutMs: number): HaproxyControl {
  const socket = (name: string) => runtimeAt(join(folder, 'run', name), timeoutMs)
  const [stats, master] = [socket('haproxy.sock'), socket('haproxy-master.sock')]
  return {
    workerPid: async () => parseWorkerPid(await stats('show info')),
    stats: async () => parseStats(await stats('show stat')),
    served: async (edge) => parseServed(await stats(`show table ${tables.served}`), edge),
    bypassed: async () => parseBypassed(await stats(`show table ${tables.served}`)),
    async holding() {
      const rows = parseTable(await stats(`show table ${tables.holding}`))
      return rows.find(({ key }) => key === 'hold')?.data.conn_cur ?? 0
    },
    async endOldSessions(primary) {
      let ended = 0
      for (const pid of parseOldWorkers(await master('show proc')))
        for (const { id, backend, server } of parseSessions(await master(`@!${pid} show sess`))) {
          if (backend !== proxies.primary || server === primary) continue
          // One by one: an old worker refuses `shutdown sessions server`, because its proxies count as stopped.
          await master(`@!${pid} shutdown session ${id}`)
          ended += 1
        }
      return ended
    },
    async forgetLearned() {
      const answer = (await stats(`clear table ${tables.learned}`)).trim()
      if (answer !== '') throw new NearsideError('haproxy_refused', `haproxy: clear table: ${answer}`)
    },
  }
}

/** Sends a command to one of HAProxy's sockets; resolves to the answer. Rejects if it cannot connect or times out. */
type Runtime = (command: string) => Promise<string>

function runtimeAt(path: string, timeoutMs: number): Runtime {
  return async (command) => {
    try {
      return await askUnixSocket(path, command, timeoutMs)
    } catch (cause) {
      throw new NearsideError('haproxy_unreachable', `haproxy: ${command}: ${messageOf(cause)}`, { cause })
    }
  }
}
