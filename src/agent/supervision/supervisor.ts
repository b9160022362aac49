import { type Clock, systemClock } from '../../lib/clock.ts'
import type { PlanProcess, RegionPlan } from '../../plan.ts'
import { type Backoff, defaultBackoff } from './backoff.ts'
import { Keeper, type KeeperOptions, type StartCondition } from './keeper.ts'
import type { Launcher } from './launch.ts'
import { type ProcessStatus, SupervisedProcess } from './supervised-process.ts'
import { terminate } from './terminate.ts'

type SupervisorOptions = {
  plan: RegionPlan
  launcher: Launcher
  /** Further conditions than `after`, outside this region. */
  startConditions?: Readonly<Record<string, StartCondition>>
  onChange?: (status: ProcessStatus) => void
  backoff?: Backoff
  recheck?: KeeperOptions['recheck']
  clock?: Clock
}

const defaultRecheck = { answeringMs: 10_000, silentMs: 1_000 }

/**
 * Runs a region's processes according to the plan: starts them in order, monitors them, restarts them with increasing
 * pauses, and reports those that it has given up. It polls /proc instead of waiting for child processes, so it can
 * supervise the processes of an earlier agent like its own.
 */
export class Supervisor {
  readonly #launcher: Launcher
  readonly #processes: ReadonlyMap<string, SupervisedProcess>
  readonly #keeper: Keeper

  constructor(options: SupervisorOptions) {
    const { plan, launcher, startConditions = {}, onChange, clock = systemClock } = options
    this.#launcher = launcher
    this.#processes = new Map(
      plan.processes.map((process) => [process.name, new SupervisedProcess(process, onChange, clock)]),
    )
    this.#keeper = new Keeper({
      address: plan.address,
      launcher,
      processes: this.#processes,
      startConditions,
      backoff: options.backoff ?? defaultBackoff,
      recheck: options.recheck ?? defaultRecheck,
      clock,
    })
  }

  start(): void {
    for (const one of this.#processes.values()) one.kept ??= this.#keeper.keep(one)
  }

  status(): ProcessStatus[] {
    return [...this.#processes.values()].map((one) => one.status())
  }

  /** Stops these processes (all by default), dependants before the processes that they need. */
  async stop(which: (process: PlanProcess) => boolean = () => true): Promise<void> {
    const chosen = [...this.#processes.values()].filter((one) => which(one.planned))
    for (const one of chosen) one.dismiss('end')
    const stopped = new Map<string, Promise<void>>()
    const stop = (one: SupervisedProcess): Promise<void> => {
      const known = stopped.get(one.planned.name)
      if (known) return known
      const dependants = chosen.filter((other) => other.planned.after.includes(one.planned.name))
      const promise = Promise.all(dependants.map(stop)).then(() => this.#stopOne(one))
      stopped.set(one.planned.name, promise)
      return promise
    }
    await Promise.all(chosen.map(stop))
  }

  /** Stops supervising and leaves all processes running. Resolves when no start is in progress. */
  async leave(): Promise<void> {
    for (const one of this.#processes.values()) one.dismiss('end')
    await Promise.all([...this.#processes.values()].map((one) => one.launching?.catch(() => undefined)))
  }

  /**
   * Restarts a running process, and starts one that was given up or stopped. A process that waits for others keeps
   * waiting. Concurrent calls restart it once, and a stop in the meantime prevails.
   */
  async restart(name: string): Promise<void> {
    const one = this.#processes.get(name)
    if (!one || one.state === 'waiting') return
    one.restarting ??= this.#restart(one).finally(() => {
      one.restarting = undefined
    })
    await one.restarting
  }

  async #restart(one: SupervisedProcess): Promise<void> {
    one.dismiss('restart')
    await this.#stopOne(one)
    // The old keeper must have finished, or two keepers would start the process.
    await one.kept
    if (one.wish !== 'restart' || !one.apply('restart')) return
    one.wish = 'run'
    one.run = new AbortController()
    one.failures = 0
    one.endedAlike = 0
    one.lastEnd = undefined
    one.kept = this.#keeper.keep(one)
  }

  /** One at a time: of two concurrent calls, one could forget a process that was started after the other. */
  async #stopOne(one: SupervisedProcess): Promise<void> {
    one.stopping ??= this.#end(one).finally(() => {
      one.stopping = undefined
    })
    await one.stopping
  }

  async #end(one: SupervisedProcess): Promise<void> {
    if (one.state === 'stopped') return
    await one.launching?.catch(() => undefined)
    const found = one.id ?? this.#launcher.recorded(one.planned)?.id
    one.apply('stop')
    if (found) await terminate(found, one.planned.stop)
    await one.checking
    one.id = undefined
    await this.#launcher.forget(one.planned)
    one.apply('gone')
  }
}
