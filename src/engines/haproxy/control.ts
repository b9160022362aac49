import { closeSync, constants, openSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, dirname } from 'node:path'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { proxies, tables } from './layout.ts'
import { type Info, parseInfo, parseStats, type StatRow } from './parse.ts'
import { type Edge, parseServed, type Served } from './traffic.ts'

/** A command to HAProxy's socket, and its answer. Rejects when nobody listens or it takes longer than `timeoutMs`. */
export type Runtime = (command: string) => Promise<string>

export type ServerState = 'ready' | 'drain' | 'maint'

export type ReloadResult = { ok: true } | { ok: false; detail: string }

export type HaproxyControl = {
  info(): Promise<Info>
  stats(): Promise<StatRow[]>
  /** Requests by region that served and why, since the worker started. */
  served(edge: Edge): Promise<Served[]>
  /** Writes that wait for a primary now. */
  holding(): Promise<number>
  /**
   * Reads the configuration again. The new worker takes the listening sockets over, the old one ends when its last
   * stream has ended. A configuration that HAProxy refuses changes nothing.
   */
  reload(): Promise<ReloadResult>
  /**
   * `ready: false` makes this region's 8081 say that its app is not healthy: other regions stop sending requests here within
   * a second, those under way end normally. Users who come here are still served. Lost by a reload or a restart.
   */
  setAccepting(ready: boolean): Promise<void>
  /** Takes a server out (`maint`: at once, `drain`: no new ones) or gives it back to its checks (`ready`). */
  setServer(proxy: string, server: string, state: ServerState): Promise<void>
  /** Ends what runs to a server, such as database sessions to a region that is lost. */
  shutdownSessions(proxy: string, server: string): Promise<void>
}

export type HaproxyControlOptions = {
  /** The worker's socket and the master's, as the caller reaches them. */
  stats: Runtime
  master: Runtime
}

export function createHaproxyControl({ stats, master }: HaproxyControlOptions): HaproxyControl {
  /** For commands that say nothing when they worked. */
  const order = async (command: string) => {
    const answer = (await stats(command)).trim()
    if (answer !== '') throw new NearsideError('haproxy_refused', `haproxy: ${command}: ${answer}`)
  }
  return {
    info: async () => parseInfo(await stats('show info')),
    stats: async () => parseStats(await stats('show stat')),
    served: async (edge) => parseServed(await stats(`show table ${tables.served}`), edge),
    async holding() {
      return [...(await stats(`show table ${tables.holding}`)).matchAll(/ conn_cur=(\d+)/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      )
    },
    async reload() {
      const answer = await master('reload')
      return answer.startsWith('Success=1') ? { ok: true } : { ok: false, detail: reasonOf(answer) }
    },
    setAccepting: (ready) =>
      order(`set server ${proxies.accepting}/accepting state ${ready ? 'ready' : 'maint'}`),
    setServer: (proxy, server, state) => order(`set server ${proxy}/${server} state ${state}`),
    shutdownSessions: (proxy, server) => order(`shutdown sessions server ${proxy}/${server}`),
  }
}

/** The lines that matter of what HAProxy printed while it read a configuration. */
function reasonOf(answer: string): string {
  const alerts = answer.split('\n').filter((line) => line.startsWith('[ALERT]'))
  return (alerts.length > 0 ? alerts : [answer.trim()]).join('\n').slice(0, 2_000)
}

/**
 * Commands over a Unix socket. The kernel takes 107 bytes for its path and a world may lie deeper, so a long path is
 * reached through a descriptor of its folder.
 */
export function runtimeAt(path: string, timeoutMs = 5_000): Runtime {
  return (command) => {
    const folder =
      Buffer.byteLength(path) > 107
        ? openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
        : undefined
    const reachable = folder === undefined ? path : `/proc/self/fd/${folder}/${basename(path)}`
    const asked = ask(reachable, command, timeoutMs)
    return folder === undefined ? asked : asked.finally(() => closeSync(folder))
  }
}

function ask(path: string, command: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    const fail = (cause: unknown) => {
      socket.destroy()
      reject(new NearsideError('haproxy_unreachable', `haproxy: ${command}: ${messageOf(cause)}`, { cause }))
    }
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const parts: string[] = []
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => parts.push(part))
    socket.once('error', fail)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(parts.join(''))
    })
    // The master answers for as long as its caller has not ended.
    socket.end(`${command}\n`)
  })
}
