import { type Clock, pause, systemClock } from '../../lib/clock.ts'
import { NearsideError } from '../../lib/errors.ts'
import { varnishWorkFolder } from './layout.ts'
import { banOf, fetchedAt, type PurgeScope } from './purge.ts'
import { countPurge } from './stored.ts'

/** Runs a program of the engine root to its end, in the sandbox and the region's folder. */
type RunEngine = (command: string[]) => Promise<{ code: number; output: string }>

export type VarnishControl = {
  /**
   * Removes what is stored, and keeps out what is being fetched. Rejects while Varnish does not answer, or is
   * restarting its child. Concurrent calls are not allowed.
   */
  purge(scope: PurgeScope): Promise<void>
}

/** Varnish answers at once unless the machine is very busy. */
const answerSeconds = 10
/** A response whose headers came before a purge is stored within this time, unless its body takes longer. */
const storedWithinMs = 250
/**
 * Pauses between further bans, for such bodies. They double: a body that was still arriving when the purge came is
 * served for no longer than it took to arrive since then.
 */
const pausesMs = [500, 1000, 2000, 4000, 8000, 16_000, 32_000]
const followedMs = pausesMs.reduce((sum, ms) => sum + ms, 0)
/** Purges with further bans at a time. Beyond it, the oldest get none. */
const maxFollowed = 50

/** Waits that do not keep a process from exiting. */
const background: Clock = {
  now: systemClock.now,
  setTimeout(run, ms) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

export function varnishControl(run: RunEngine): VarnishControl {
  /** Counts of purges at which a fetch that is still going on may have begun. */
  let recent: { count: string; untilMs: number }[] = []
  /** By ban. */
  const followed = new Map<string, AbortController>()

  const order = async (line: string): Promise<string> => {
    // As one argument: varnishadm would quote several again.
    const { code, output } = await run([
      '/usr/bin/varnishadm',
      ...['-n', varnishWorkFolder, '-t', String(answerSeconds), line],
    ])
    if (code === 0) return output
    const said = output.trim().split('\n').join(' ').slice(0, 200)
    throw new NearsideError('varnish_refused', `varnish: ${line.slice(0, 80)}: ${said || `exit ${code}`}`)
  }

  /** Never throws: a Varnish that has ended meanwhile has nothing left. */
  const follow = async (scopeBan: string, ban: string) => {
    const { signal } = begin(scopeBan)
    for (const ms of pausesMs) {
      await pause(background, ms, signal)
      if (signal.aborted) return
      await order(ban).catch(() => undefined)
    }
    if (!signal.aborted) followed.delete(scopeBan)
  }

  const begin = (scopeBan: string) => {
    const [oldest] = followed.keys()
    for (const key of [scopeBan, ...(followed.size >= maxFollowed && oldest ? [oldest] : [])]) {
      followed.get(key)?.abort()
      followed.delete(key)
    }
    const controller = new AbortController()
    followed.set(scopeBan, controller)
    return controller
  }

  return {
    async purge(scope) {
      const ban = banOf(scope)
      const steps = countPurge(await order('backend.list -j'))
      for (const { command } of steps) await order(command)
      const now = systemClock.now()
      recent = [
        ...recent.filter(({ untilMs }) => untilMs > now),
        ...steps.map(({ before }) => ({ count: before, untilMs: now + followedMs })),
      ].filter(({ count }) => !steps.some(({ after }) => after === count))
      await order(ban)
      await pause(systemClock, storedWithinMs)
      const again = fetchedAt(ban, [...new Set(recent.map(({ count }) => count))])
      await order(again)
      void follow(ban, again)
    },
  }
}
