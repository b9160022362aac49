import { join } from 'node:path'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { askUnixSocket } from '../../lib/unix-socket.ts'
import { proxies, tables } from './layout.ts'
import { parseOldWorkers, parseSessions, parseStats, parseWorkerPid, type StatRow } from './parse.ts'
import { type Edge, parseServed, type Served } from './traffic.ts'

export type HaproxyControl = {
  /** Of the worker that takes new connections: another one after each reload, with counters of its own. */
  workerPid(): Promise<number>
  stats(): Promise<StatRow[]>
  /** Requests by region that served and why, since the worker started. */
  served(edge: Edge): Promise<Served[]>
  /** Writes that wait for a primary now. */
  holding(): Promise<number>
  /**
   * Ends the database sessions that old workers still carry to any other region than this one; resolves to how many.
   * After a reload an old worker checks no server any more, so it would keep a session to a primary that hangs.
   */
  endOldSessions(primary: string): Promise<number>
}

/** Of the HAProxy whose region has this folder. */
export function haproxyIn(folder: string, timeoutMs: number): HaproxyControl {
  const socket = (name: string) => runtimeAt(join(folder, 'run', name), timeoutMs)
  const [stats, master] = [socket('haproxy.sock'), socket('haproxy-master.sock')]
  return {
    workerPid: async () => parseWorkerPid(await stats('show info')),
    stats: async () => parseStats(await stats('show stat')),
    served: async (edge) => parseServed(await stats(`show table ${tables.served}`), edge),
    async holding() {
      return [...(await stats(`show table ${tables.holding}`)).matchAll(/ conn_cur=(\d+)/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      )
    },
    async endOldSessions(primary) {
      let ended = 0
      for (const pid of parseOldWorkers(await master('show proc')))
        for (const { id, backend, server } of parseSessions(await master(`@!${pid} show sess`))) {
          if (backend !== proxies.primary || server === primary) continue
          // `shutdown sessions server` is refused there: the proxy counts as stopped.
          await master(`@!${pid} shutdown session ${id}`)
          ended += 1
        }
      return ended
    },
  }
}

/** A command to one of HAProxy's sockets, and its answer. Rejects when nobody listens or it takes too long. */
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
