import { type Clock, pause } from '../../lib/clock.ts'
import { messageOf } from '../../lib/errors.ts'
import { isAlive, type ProcessId, uptimeSeconds } from '../../lib/proc.ts'
import { runToEnd } from '../../lib/run-to-end.ts'
import { afterFailure, type Backoff } from './backoff.ts'
import { type CheckResult, type Exec, runCheck } from './check.ts'
import type { Launcher } from './launch.ts'
import { describeEnd, describeFailures, type RunEnd } from './run-end.ts'
import type { SupervisedProcess } from './supervised-process.ts'
import { terminate } from './terminate.ts'

/** `met` resolves when the process may start; `waitsFor` describes the condition for the operator. */
export type StartCondition = { waitsFor: string; met: () => Promise<void> }

export type KeeperOptions = {
  address: string
  launcher: Launcher
  /** The region's processes by name. */
  processes: ReadonlyMap<string, SupervisedProcess>
  startConditions: Readonly<Record<string, StartCondition>>
  backoff: Backoff
  /** Interval between checks of a process that has been ready: while it answers, and while it does not. */
  recheck: { answeringMs: number; silentMs: number }
  clock: Clock
}

const readyPollMs = 200
/** Short, because users are refused from the moment HAProxy exits until the agent notices. */
const alivePollMs = 50
const checkTimeoutMs = 1000
/** A single check may fail on a busy machine. */
const failingAfter = 2
/** After running this long, a process's failures count from zero again. */
const ranWellAfterSeconds = 30

/** Keeps one process running: adopts or starts it, monitors it, and restarts it after a pause. */
export class Keeper {
  readonly #options: KeeperOptions

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** Resolves when the process's run is aborted. */
  async keep(one: SupervisedProcess): Promise<void> {
    const { launcher } = this.#options
    const { signal } = one.run
    const found = launcher.recorded(one.planned)
    if (found?.differs === 'start') {
      one.apply('replace', 'its plan has changed')
      await terminate(found.id, one.planned.stop)
    } else if (found) {
      one.id = found.id
      one.admitted = true
    }
    one.cleared.resolve()
    if (found?.differs === 'files') {
      one.apply('adopt', 'its files have changed')
      one.launching = this.#reload(one, signal)
      await one.launching
    }
    while (!signal.aborted) {
      try {
        if (one.id) one.apply('adopt', 'adopted from an earlier agent')
        else {
          await this.#mayStart(one, signal)
          if (signal.aborted || !one.apply('start')) break
          one.refused = undefined
          const launching = launcher.launch(one.planned)
          one.launching = launching
          one.id = await launching
        }
        const end = await this.#untilEnd(one, one.id, signal)
        if (signal.aborted) break
        await this.#rest(one, end, signal)
      } catch (error) {
        if (signal.aborted) break
        await this.#rest(one, { kind: 'not started', message: messageOf(error) }, signal)
      }
    }
  }

  /** Waits first until all replaced processes have exited, since the new files may use an address of theirs. */
  async #reload(one: SupervisedProcess, signal: AbortSignal): Promise<void> {
    const { launcher, processes } = this.#options
    await Promise.all([...processes.values()].map(({ cleared }) => cleared.promise))
    if (!signal.aborted) one.refused = await launcher.reload(one.planned)
  }

  async #mayStart(one: SupervisedProcess, signal: AbortSignal): Promise<void> {
    const { processes, startConditions } = this.#options
    const { name, after } = one.planned
    const needs = after.flatMap((needed) => processes.get(needed) ?? [])
    const missing = needs.filter((needed) => !isReady(needed)).map((needed) => needed.planned.name)
    if (one.restarts === 0 && missing.length > 0) {
      one.apply('hold', `for ${missing.join(', ')}`)
      await orAborted(Promise.all(needs.map((needed) => needed.ready.promise)), signal)
    }
    const condition = startConditions[name]
    if (condition && !signal.aborted && !one.admitted) {
      one.apply('hold', `for ${condition.waitsFor}`)
      await orAborted(condition.met(), signal)
      // A process that crashes later restarts without the condition, because what it depends on may be down as well.
      one.admitted = !signal.aborted
    }
  }

  /** Waits for readiness or exit, then for exit. Returns how the run ended. */
  async #untilEnd(one: SupervisedProcess, id: ProcessId, signal: AbortSignal): Promise<RunEnd> {
    const { clock } = this.#options
    const { readyTimeoutMs, stop } = one.planned
    const deadlineMs = readyTimeoutMs === 0 ? Infinity : clock.now() + readyTimeoutMs
    while (!signal.aborted && !isReady(one)) {
      if (!isAlive(id)) return { kind: 'exited before it was ready' }
      const result = await this.#check(one)
      if (result.passed && isAlive(id)) {
        if (answered(one)) one.ready.resolve()
      } else if (clock.now() > deadlineMs) {
        await terminate(id, stop)
        const tried = result.passed || !result.why ? {} : { tried: result.why }
        return { kind: 'not ready in time', afterMs: readyTimeoutMs, ...tried }
      } else await pause(clock, readyPollMs, signal)
    }
    await this.#watch(one, id, signal)
    if (!signal.aborted && uptimeSeconds(id) > ranWellAfterSeconds) one.failures = -1
    return { kind: 'exited' }
  }

  /** Resolves when the process exits. Repeats its check meanwhile, because a hung process is still alive. */
  async #watch(one: SupervisedProcess, id: ProcessId, signal: AbortSignal): Promise<void> {
    const { clock, recheck } = this.#options
    let missed = 0
    let checking = false
    let nextAtMs = clock.now() + recheck.answeringMs
    const checkAgain = async () => {
      checking = true
      const result = await this.#check(one)
      checking = false
      missed = result.passed ? 0 : missed + 1
      nextAtMs = clock.now() + (result.passed ? recheck.answeringMs : recheck.silentMs)
      if (signal.aborted || one.id !== id || !isAlive(id)) return
      if (result.passed) answered(one)
      else if (missed >= failingAfter)
        one.apply('unresponsive', `its health check fails${result.why ? `: ${result.why}` : ''}`)
    }
    while (!signal.aborted && isAlive(id)) {
      // Not awaited: a check may take longer than an exit may go unnoticed.
      if (!checking && clock.now() >= nextAtMs) void checkAgain()
      await pause(clock, alivePollMs, signal)
    }
  }

  async #rest(one: SupervisedProcess, end: RunEnd, signal: AbortSignal): Promise<void> {
    const { launcher, backoff, clock } = this.#options
    one.id = undefined
    one.restarts += 1
    one.failures += 1
    one.endedAlike = one.lastEnd === end.kind ? one.endedAlike + 1 : 1
    one.lastEnd = end.kind
    await launcher.forget(one.planned)
    const { event, pauseMs } = afterFailure(one.failures, backoff)
    one.nextStartAtMs = clock.now() + pauseMs
    const alike = one.endedAlike >= one.failures
    one.apply(
      event,
      event === 'exhaust' ? describeFailures(end, one.failures, alike, pauseMs) : describeEnd(end),
    )
    if (pauseMs > 0) await pause(clock, pauseMs, signal)
  }

  async #check(one: SupervisedProcess): Promise<CheckResult> {
    const { address } = this.#options
    const { ready, env } = one.planned
    const checking = runCheck(ready, address, checkTimeoutMs, this.#exec)
    one.checking = checking
    const result = await checking
    // The most common cause: an app that listens on a port or an address of its own choice.
    const told = ready.kind === 'http' && env.PORT === String(ready.port)
    return result.passed || !told || !result.why?.startsWith('nothing listens')
      ? result
      : { passed: false, why: `${result.why} (HOST and PORT)` }
  }

  readonly #exec: Exec = async (command, env, timeoutMs) => {
    const { launcher } = this.#options
    return (await runToEnd(launcher.prepare('engine', command, env), timeoutMs)).code
  }
}

const isReady = ({ state }: SupervisedProcess) => state === 'ready' || state === 'outdated'

const answered = (one: SupervisedProcess): boolean =>
  one.refused === undefined
    ? one.apply('answer')
    : one.apply('refuse', `it refuses its new files: ${one.refused}`)

/** Stops waiting on abort, since the promise may never settle. */
function orAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return Promise.race([promise, aborted])
}
