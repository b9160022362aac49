import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { resolveGeoip } from '../geo/places.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { modulePath } from '../lib/program.ts'
import { regionsOf } from '../topology/regions.ts'
import type { Topology } from '../topology/schema.ts'
import { type BuildJob, temporaryFile } from './build-files.ts'
import { buildOnce } from './build-lock.ts'
import type { SteeringTable } from './table.ts'
import { decodeTable, tableFormat } from './table-file.ts'

type BuildOptions = {
  topology: Topology
  /** The topology file's folder; `steering.geoip` is relative to it. */
  folder: string
  /** Kept between runs and shared by worlds; created if missing. */
  cacheFolder: string
  signal?: AbortSignal
}

/**
 * Returns the file of a topology's steering table and computes it first if there is none.
 *
 * With a worldwide database, computing takes seconds and half a gigabyte. A child process does it once per combination
 * of databases, regions and `maxPrefixes`, even when the agents of several regions ask at the same time. Throws a
 * NearsideError when a database is missing or unusable.
 */
export async function buildTable({ topology, folder, cacheFolder, signal }: BuildOptions): Promise<string> {
  const places = resolveGeoip(topology.steering.geoip, folder)
  const regions = regionsOf(topology)
    .filter((region) => region.serves)
    .map(({ name, location }) => ({ name, location }))
  const { maxPrefixes } = topology.steering
  const hash = createHash('sha256').update(JSON.stringify({ tableFormat, regions, maxPrefixes }))
  for (const path of places) hash.update(await hashFile(path))
  const file = join(cacheFolder, `steering-${hash.digest('hex').slice(0, 24)}.table`)
  const isBuilt = () => isTable(file)
  if (await isBuilt()) return file

  await mkdir(cacheFolder, { recursive: true })
  const build = () => runChild({ places, regions, maxPrefixes, file }, signal)
  await buildOnce(`${file}.lock`, isBuilt, build, signal)
  return file
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

/** Reads through one small buffer: agents call this, and a database is larger than everything else in their memory. */
async function hashFile(path: string): Promise<Buffer> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(256 * 1024)
  const file = await open(path, 'r')
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) return hash.digest()
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

function runChild(job: BuildJob, signal: AbortSignal | undefined): Promise<void> {
  const program = modulePath('./build-job', import.meta.url)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'ignore', 'pipe'], signal })
    // Databases and apps start at the same time and need the CPU more: DNS also answers without a table.
    if (child.pid !== undefined) lowerPriority(child.pid)
    let output = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('error', reject)
    child.on('close', async (code) => {
      // A child that was killed has not cleaned up.
      await rm(temporaryFile(job.file, child.pid), { force: true })
      if (code === 0) resolve()
      else reject(childError(output, code))
    })
    // If the child is already gone, its exit status carries the error.
    child.stdin.on('error', () => {})
    child.stdin.end(JSON.stringify(job))
  })
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has already exited.
  }
}

/** The last line of the child's output is its error as JSON. */
function childError(output: string, code: number | null): NearsideError {
  try {
    const { code, message, remedy } = JSON.parse(output.trim().split('\n').at(-1) ?? '')
    if (typeof code === 'string') return new NearsideError(code, message, { remedy })
  } catch {
    // Not JSON: the child was killed or crashed before it could report.
  }
  return new NearsideError(
    'steering_build_failed',
    `computing the steering table failed with exit code ${code}: ${output.slice(-2000)}`,
  )
}
