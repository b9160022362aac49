import { copyFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { Loop } from '../../lib/loop.ts'
import type { TableReport } from '../../steering/agreement.ts'
import { buildRevision, readTable } from '../../steering/build.ts'
import { fingerprintOf, revisionOf, tableFile, tableInputs, writtenAt } from '../../steering/inputs.ts'
import type { SteeringTable } from '../../steering/table.ts'
import type { Topology } from '../../topology/schema.ts'

/** Why the present databases give no table. Health is applied all the same, from another table. */
export type TableProblem = { code: string; why: string; remedy?: string; sinceMs: number }

type Options = {
  topology: Topology
  /** Folder of the topology file. */
  topologyFolder: string
  /** Shared by all worlds of this user. */
  cacheFolder: string
  /** The region's own: the tables that it uses, kept when the cache or the databases are lost. */
  ownFolder: string
  lookEveryMs?: number | undefined
  onChange: () => void
  /** Called once for each new problem. */
  onProblem: (problem: TableProblem) => void
}

/** How often the databases are looked at: a new one is noticed within this and `settledMs`. */
const lookEveryMs = 15_000
/** A file that was written more recently may still be being copied. */
const settledMs = 3000
/** Time until a build that failed is tried again with the same files; doubles up to the maximum. */
const retryMs = 30_000
const maxRetryMs = 3_600_000

/**
 * The steering tables that this agent could answer from: that of the present databases, which it computes, and those
 * that it or another agent of this machine computed before. Never a condition for answering: see `DnsSteering`.
 */
export class SteeringTables {
  /** The revision of the present databases; undefined while they cannot be read. */
  wants: string | undefined
  problem: TableProblem | undefined
  /** Percent that is done, while a table is being computed. */
  percent: number | undefined
  readonly #options: Options
  readonly #held = new Map<string, SteeringTable>()
  readonly #loop: Loop
  #fingerprint: string | undefined
  #failed: { fingerprint: string | undefined; times: number; atMs: number } | undefined
  #stored: string | undefined

  constructor(options: Options) {
    this.#options = options
    this.#loop = new Loop({
      round: (signal) => this.look(signal),
      restMs: options.lookEveryMs ?? lookEveryMs,
      onError: () => undefined,
    })
  }

  start(): void {
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  table(revision: string | undefined): SteeringTable | undefined {
    return revision === undefined ? undefined : this.#held.get(revision)
  }

  report(uses: string | undefined): TableReport {
    return {
      ...(this.wants === undefined ? {} : { wants: this.wants }),
      holds: [...this.#held.keys()],
      ...(uses === undefined ? {} : { uses }),
    }
  }

  /** The revision that this region used last, if its table is still readable. Call it before `start`. */
  async lastUsed(): Promise<string | undefined> {
    const names = await readdir(this.#options.ownFolder).catch(() => [])
    for (const name of names) {
      const revision = /^steering-([0-9a-f]+)\.table$/.exec(name)?.[1]
      if (revision === undefined || !(await this.#load(revision, this.#options.ownFolder))) continue
      this.#stored = revision
      return revision
    }
    return undefined
  }

  /** Whether the table is held, or can be read from where an agent of this machine has left it. */
  async obtain(revision: string): Promise<boolean> {
    if (this.#held.has(revision)) return true
    return (
      (await this.#load(revision, this.#options.cacheFolder)) ||
      (await this.#load(revision, this.#options.ownFolder))
    )
  }

  /** Keeps the table that DNS answers from in the region's own folder. Forgets the others, except the wanted one. */
  async keep(revision: string): Promise<void> {
    for (const other of this.#held.keys())
      if (other !== revision && other !== this.wants) this.#held.delete(other)
    if (this.#stored === revision) return
    const { cacheFolder, ownFolder } = this.#options
    const own = tableFile(ownFolder, revision)
    if (!(await this.#load(revision, ownFolder))) {
      await copyFile(tableFile(cacheFolder, revision), `${own}.new`)
      await rename(`${own}.new`, own)
    }
    this.#stored = revision
    for (const name of await readdir(ownFolder))
      if (/^steering-.*\.table$/.test(name) && join(ownFolder, name) !== own)
        await rm(join(ownFolder, name), { force: true })
  }

  /** Looks at the databases once, and computes their table if they are new. Never throws. */
  async look(signal?: AbortSignal): Promise<void> {
    const { topology, topologyFolder } = this.#options
    let fingerprint: string | undefined
    try {
      const inputs = tableInputs(topology, topologyFolder)
      fingerprint = await fingerprintOf(inputs.places)
      const isKnown =
        fingerprint === this.#fingerprint && this.wants !== undefined && this.#held.has(this.wants)
      if (isKnown) return this.#settle()
      if (this.#mustRest(fingerprint)) return
      // A database from before this start is complete: it would otherwise delay every first start.
      const ageMs = Date.now() - (await writtenAt(inputs.places))
      if (this.#fingerprint !== undefined && ageMs >= 0 && ageMs < settledMs)
        return void setTimeout(() => this.#loop.trigger(), settledMs).unref()
      const revision = await revisionOf(inputs)
      if (!(await this.obtain(revision))) {
        this.percent = 0
        this.#options.onChange()
        await this.#build({ inputs, fingerprint, revision, signal })
      }
      this.#fingerprint = fingerprint
      this.wants = revision
      this.#settle()
    } catch (error) {
      if (signal?.aborted) return
      this.#fail(error, fingerprint)
    } finally {
      this.percent = undefined
      this.#options.onChange()
    }
  }

  async #build(job: Omit<Parameters<typeof buildRevision>[0], 'cacheFolder' | 'onPercent'>): Promise<void> {
    const onPercent = (percent: number) => {
      this.percent = percent
    }
    let file: string
    try {
      file = await buildRevision({ ...job, cacheFolder: this.#options.cacheFolder, onPercent })
    } catch (error) {
      if (!(error instanceof NearsideError) || error.code !== 'steering_cache_unwritable') throw error
      // The cache is only shared to save effort: without it, each region computes its own table.
      file = await buildRevision({ ...job, cacheFolder: this.#options.ownFolder, onPercent })
    }
    this.#held.set(job.revision, await readTable(file))
  }

  async #load(revision: string, folder: string): Promise<boolean> {
    try {
      this.#held.set(revision, await readTable(tableFile(folder, revision)))
      return true
    } catch {
      return false
    }
  }

  #settle(): void {
    this.problem = undefined
    this.#failed = undefined
  }

  /** A missing file costs nothing to look for; a build that fails costs minutes. */
  #mustRest(fingerprint: string): boolean {
    const failed = this.#failed
    if (failed === undefined || failed.fingerprint !== fingerprint) return false
    return performance.now() - failed.atMs < Math.min(maxRetryMs, retryMs * 2 ** (failed.times - 1))
  }

  #fail(error: unknown, fingerprint: string | undefined): void {
    const before = this.#failed
    const times = before && before.fingerprint === fingerprint ? before.times + 1 : 1
    this.#failed = { fingerprint, times, atMs: performance.now() }
    // The files that are there are not those of the wanted revision any more.
    if (fingerprint !== this.#fingerprint) this.wants = undefined
    this.#fingerprint ??= fingerprint ?? ''
    const known = error instanceof NearsideError ? error : undefined
    const [code, why, remedy] = [known?.code ?? 'internal', messageOf(error), known?.remedy]
    if (this.problem?.code === code && this.problem.why === why) return
    const sinceMs = this.problem?.sinceMs ?? Date.now()
    this.problem = { code, why, ...(remedy === undefined ? {} : { remedy }), sinceMs }
    this.#options.onProblem(this.problem)
  }
}
