import { spawn } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { makeFolder } from '../lib/files.ts'
import { bytes } from '../lib/format.ts'
import { modulePath } from '../lib/program.ts'
import type { Topology } from '../topology/schema.ts'
import { type BuildJob, temporaryFile } from './build-files.ts'
import { buildOnce, stalledMs } from './build-lock.ts'
import { readProgress } from './build-progress.ts'
import { fingerprintOf, revisionOf, type TableInputs, tableFile, tableInputs } from './inputs.ts'
import type { SteeringTable } from './table.ts'
import { decodeTable } from './table-file.ts'

type BuildOptions = {
  topology: Topology
  /** The topology file's folder; `steering.geoip` is relative to it. */
  folder: string
  /** Kept between runs and shared by worlds; created if missing. */
  cacheFolder: string
  signal?: AbortSignal
}

/**
 * Returns the file of a topology's steering table and computes it first if there is none. Throws a NearsideError when a
 * database is missing or unusable.
 */
export async function buildTable({ topology, folder, cacheFolder, signal }: BuildOptions): Promise<string> {
  const inputs = tableInputs(topology, folder)
  const fingerprint = await fingerprintOf(inputs.places)
  const revision = await revisionOf(inputs)
  return buildRevision({ inputs, fingerprint, revision, cacheFolder, signal })
}

/** The topology's table if it has been computed on this machine. Throws a NearsideError when a database is unusable. */
export async function builtTable({
  topology,
  folder,
  cacheFolder,
}: Omit<BuildOptions, 'signal'>): Promise<SteeringTable | undefined> {
  const revision = await revisionOf(tableInputs(topology, folder))
  return readTable(tableFile(cacheFolder, revision)).catch(() => undefined)
}

/**
 * With a worldwide database, computing takes seconds and half a gigabyte. A child process does it once per revision, and
 * one at a time on this machine, even when the agents of several regions and worlds ask for it.
 */
export async function buildRevision(options: {
  inputs: TableInputs
  /** Of the databases, from before `revision` was computed. */
  fingerprint: string
  revision: string
  cacheFolder: string
  signal?: AbortSignal | undefined
  /** Called while this process or another one computes a table. */
  onPercent?: (percent: number) => void
}): Promise<string> {
  const { inputs, fingerprint, revision, cacheFolder, signal, onPercent = () => undefined } = options
  const file = tableFile(cacheFolder, revision)
  const isBuilt = () => isTable(file)
  if (await isBuilt()) return file

  const progressFile = join(cacheFolder, 'build.progress')
  const job = { ...inputs, fingerprint, file, progressFile }
  const watch = setInterval(() => {
    const percent = readProgress(progressFile)?.percent
    if (percent !== undefined) onPercent(percent)
  }, 1000)
  try {
    makeUsable(cacheFolder)
    await buildOnce(join(cacheFolder, 'build.lock'), isBuilt, () => build(job, signal), {
      signal,
      progress: () => readProgress(progressFile)?.text,
    })
  } finally {
    clearInterval(watch)
  }
  return file
}

async function build(job: BuildJob, signal: AbortSignal | undefined): Promise<void> {
  // Small databases always fit; a machine without any memory left has other problems.
  const large = job.places.filter((path) => statSync(path).size > largeBytes)
  if (large.length > 0) enoughMemory(large)
  await runChild(job, signal)
}

const largeBytes = 100 * 1024 ** 2

function makeUsable(cacheFolder: string): void {
  try {
    makeFolder(cacheFolder, 0o755)
  } catch (cause) {
    throw new NearsideError('steering_cache_unwritable', `${cacheFolder}: ${messageOf(cause)}`, {
      remedy: 'make the folder writable, or remove what is in its place',
      cause,
    })
  }
}

/** Throws a NearsideError when the file is not a complete table. */
export async function readTable(file: string): Promise<SteeringTable> {
  try {
    return decodeTable(await readFile(file))
  } catch (cause) {
    throw new NearsideError('steering_table_broken', `${file}: ${messageOf(cause)}`, {
      remedy: 'delete the file; Nearside computes it again',
      cause,
    })
  }
}

async function isTable(file: string): Promise<boolean> {
  return readTable(file).then(
    () => true,
    () => false,
  )
}

/** A child needs this much, and the databases on top, which it holds as a whole. */
const childBytes = 500 * 1024 ** 2

/** Refuses to start what would take memory from the databases and apps of this machine. */
export function enoughMemory(places: readonly string[], availableBytes = process.availableMemory()): void {
  const needed = childBytes + places.reduce((sum, path) => sum + statSync(path).size, 0)
  if (needed <= availableBytes) return
  throw new NearsideError(
    'steering_build_memory',
    `computing the steering table takes about ${bytes(needed)} of memory, of which ${bytes(availableBytes)} are available`,
    { remedy: 'give the machine more memory, or use a smaller GeoIP database' },
  )
}

function runChild(job: BuildJob, signal: AbortSignal | undefined): Promise<void> {
  const program = modulePath('./build-job', import.meta.url)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'ignore', 'pipe'], signal })
    // Databases and apps start at the same time and need the CPU more: DNS also answers without a table.
    if (child.pid !== undefined) lowerPriority(child.pid)
    let output = ''
    let stalled = false
    const stop = whenStalled(job.progressFile, () => {
      stalled = true
      child.kill('SIGKILL')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('error', reject)
    child.on('close', async (code, killedBy) => {
      stop()
      // A child that was killed has not cleaned up.
      await rm(temporaryFile(job.file, child.pid), { force: true }).catch(() => undefined)
      await rm(job.progressFile, { force: true }).catch(() => undefined)
      if (code === 0) resolve()
      else reject(stalled ? hung() : childError(output, killedBy ?? `exit code ${code}`))
    })
    // If the child is already gone, its exit status carries the error.
    child.stdin.on('error', () => {})
    child.stdin.end(JSON.stringify(job))
  })
}

/** Calls `then` once the child has made no progress for so long that it must hang. */
function whenStalled(progressFile: string, then: () => void): () => void {
  let last: string | undefined
  let sinceMs = performance.now()
  const timer = setInterval(() => {
    const now = readProgress(progressFile)?.text
    if (now === last && performance.now() - sinceMs >= stalledMs) return then()
    if (now !== last) sinceMs = performance.now()
    last = now
  }, 1000)
  return () => clearInterval(timer)
}

const hung = () =>
  new NearsideError(
    'steering_build_stalled',
    `computing the steering table made no progress for ${stalledMs / 1000} s`,
    { remedy: 'check that the disk of the GeoIP database answers' },
  )

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
    // If memory runs out, the kernel ends this process and not a database.
    writeFileSync(`/proc/${pid}/oom_score_adj`, '1000')
  } catch {
    // It has already exited.
  }
}

/** The last line of the child's output is its error as JSON. */
function childError(output: string, end: string): NearsideError {
  try {
    const { code, message, remedy } = JSON.parse(output.trim().split('\n').at(-1) ?? '')
    if (typeof code === 'string') return new NearsideError(code, message, { remedy })
  } catch {
    // Not JSON: the child was killed or crashed before it could report.
  }
  return new NearsideError(
    'steering_build_failed',
    `computing the steering table failed (${end})${output === '' ? '' : `: ${output.slice(-2000)}`}`,
    end === 'SIGKILL' || /heap out of memory/.test(output)
      ? {
          remedy: 'give the machine more memory, use a smaller GeoIP database, or lower steering.maxPrefixes',
        }
      : {},
  )
}
