import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderVariable } from '../../src/agent/layout.ts'
import { launcher } from '../../src/agent/supervision/launch.ts'
import type { ProcessStatus } from '../../src/agent/supervision/supervised-process.ts'
import { Supervisor } from '../../src/agent/supervision/supervisor.ts'
import type { ProcessState } from '../../src/agent/supervision/transitions.ts'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { allPids, identify, isAlive, lookAt, signal } from '../../src/lib/proc.ts'
import type { PlanFile, PlanProcess, RegionPlan } from '../../src/plan.ts'
import { hurriedClock } from './hurried-clock.ts'
import { temporaryFolder, until } from './sandboxed.ts'

/** A region's folder whose processes are shell scripts, with supervisors for it. */
export class SupervisedFolder {
  readonly folder = temporaryFolder('supervised')
  readonly #supervisors: Supervisor[] = []

  constructor() {
    for (const name of ['run', 'log', 'etc', 'data']) mkdirSync(join(this.folder, name))
  }

  /**
   * A host program that records its starts in `data/<name>`, one process id per line, and runs the script. Ready once
   * `data/<name>.ready` exists, which by default is immediately. Only builtins, so that no second process is ever seen.
   */
  process(name: string, script: string, changes: Partial<PlanProcess> = {}): PlanProcess {
    const ready = changes.ready ? '' : `: > data/${name}.ready; `
    return {
      name,
      engine: 'app',
      command: ['sh', '-c', `echo $$ >> data/${name}; ${ready}${script}`],
      env: {},
      run: 'host',
      cwd: this.folder,
      after: [],
      ready: this.readyWhen(`${name}.ready`),
      readyTimeoutMs: 600_000,
      stop: { signal: 'SIGTERM', timeoutMs: 5_000 },
      ...changes,
    }
  }

  readyWhen(file: string): PlanProcess['ready'] {
    return { kind: 'exec', command: ['test', '-e', `data/${file}`] }
  }

  touch(file: string): void {
    writeFileSync(join(this.folder, 'data', file), '')
  }

  plan(processes: PlanProcess[], files: PlanFile[] = []): RegionPlan {
    return { region: 'here', address: '127.0.0.1', folders: [], files, processes }
  }

  supervisor(
    plan: RegionPlan,
    options: Partial<ConstructorParameters<typeof Supervisor>[0]> = {},
  ): Supervised {
    const launch = launcher({ root: locateEngineRoot().path, folder: this.folder, files: plan.files })
    const history: ProcessStatus[] = []
    const supervisor = new Supervisor({
      plan,
      launcher: launch,
      backoff: { firstMs: 20, longestMs: 80, givenUpMs: 6_000_000 },
      clock: hurriedClock(10),
      ...options,
      onChange: (status) => {
        history.push(status)
        options.onChange?.(status)
      },
    })
    this.#supervisors.push(supervisor)
    return new Supervised(supervisor, history)
  }

  /** Process ids of all starts so far. */
  starts(name: string): number[] {
    return this.lines(name).map(Number)
  }

  /** The lines of `data/<name>`; empty if it does not exist. */
  lines(name: string): string[] {
    try {
      return readFileSync(join(this.folder, 'data', name), 'utf8')
        .trim()
        .split('\n')
    } catch {
      return []
    }
  }

  /** All live processes started for this folder, recorded or not. */
  processes(): number[] {
    return allPids().filter((pid) => lookAt(pid)?.variable(folderVariable) === this.folder)
  }

  /** Stops all supervisors and processes, even after a failed test. */
  async clear(): Promise<void> {
    for (const supervisor of this.#supervisors) await supervisor.leave()
    await until('nothing to be left', () => {
      const left = this.processes()
      for (const pid of left) {
        const id = identify(pid)
        if (id) signal(id, 'SIGKILL')
      }
      return left.length === 0
    })
  }
}

export class Supervised {
  readonly supervisor: Supervisor
  /** All state changes, in order. */
  readonly history: readonly ProcessStatus[]

  constructor(supervisor: Supervisor, history: readonly ProcessStatus[]) {
    this.supervisor = supervisor
    this.history = history
  }

  one(name: string): ProcessStatus {
    return this.supervisor.status().find((status) => status.name === name)!
  }

  /** Waits until the process has been in that state: a busy machine may see no more of one that lasts milliseconds. */
  was(name: string, state: ProcessState, holds: (status: ProcessStatus) => boolean) {
    return until(`${name} to have been ${state}`, () =>
      this.history.some((status) => status.name === name && status.state === state && holds(status)),
    )
  }

  /** Waits until the process is in that state, and alive if the state is `ready`. */
  in(name: string, state: ProcessState, holds: (status: ProcessStatus) => boolean = () => true) {
    return until(`${name} to be ${state}`, () => {
      const status = this.one(name)
      const id = status.pid === undefined ? undefined : identify(status.pid)
      const lives = state !== 'ready' || (id !== undefined && isAlive(id))
      return status.state === state && lives && holds(status) ? status : undefined
    })
  }
}
