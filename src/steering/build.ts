import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { resolvePlaces } from '../geo/places.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { modulePath } from '../lib/program.ts'
import { regionsOf } from '../topology/regions.ts'
import type { Topology } from '../topology/schema.ts'
import { asideFile, type BuildJob } from './build-files.ts'
import { buildOnce } from './build-lock.ts'
import type { SteeringTable } from './table.ts'
import { decodeTable, tableFormat } from './table-file.ts'

type BuildOptions = {
  topology: Topology
  /** The topology file's folder: places are relative to it. */
  folder: string
  /** Kept between runs and shared by worlds; made if need be. */
  cacheFolder: string
  signal?: AbortSignal
}

/**
 * The steering table's file for a topology, computed if it is not there yet.
 *
 * Computing takes seconds and half a gigabyte with a database of the whole world, so a child process does it, once
 * per database, regions and bound, also when the agents of several regions ask at the same time. Throws a NearsideError when a database is missing or unusable.
 */
export async function buildTable({ topology, folder, cacheFolder, signal }: BuildOptions): Promise<string> {
  const places = resolvePlaces(topology.steering.geoip, folder)
  const regions = regionsOf(topology)
    .filter((region) => region.serves)
    .map(({ name, location }) => ({ name, location }))
  const { maxPrefixes } = topology.steering
  const hash = createHash('sha256').update(JSON.stringify({ tableFormat, regions, maxPrefixes }))
  for (const path of places) hash.update(await hashFile(path))
  const file = join(cacheFolder, `steering-${hash.digest('hex').slice(0, 24)}.table`)
  const isMade = () => isTable(file)
  if (await isMade()) return file

  await mkdir(cacheFolder, { recursive: true })
  const make = () => runChild({ places, regions, maxPrefixes, file }, signal)
  await buildOnce(`${file}.lock`, isMade, make, signal)
  return file
}

/** Throws a NearsideError when the file is not a whole table. */
export async function readTable(file: string): Promise<SteeringTable> {
  try {
    return decodeTable(await readFile(file))
  } catch (cause) {
    throw new NearsideError('steering_table_broken', `${file}: ${messageOf(cause)}`, {
      remedy: 'delete it; it is made again',
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

/** With one buffer for the whole file: agents call this, and a database is larger than all else they hold. */
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
    // It is in nobody's way: databases and apps start at the same time, and there is an answer without a table too.
    if (child.pid !== undefined) lowerPriority(child.pid)
    let output = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('error', reject)
    child.on('close', async (code) => {
      // Killed, it cannot clean up itself.
      await rm(asideFile(job.file, child.pid), { force: true })
      if (code === 0) resolve()
      else reject(childError(output, code))
    })
    // A child that is gone already says why by its exit.
    child.stdin.on('error', () => {})
    child.stdin.end(JSON.stringify(job))
  })
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended already.
  }
}

/** The child says what is wrong in its last line, as JSON. */
function childError(output: string, code: number | null): NearsideError {
  try {
    const { code, message, remedy } = JSON.parse(output.trim().split('\n').at(-1) ?? '')
    if (typeof code === 'string') return new NearsideError(code, message, { remedy })
  } catch {
    // Not its own words: it died of something else.
  }
  return new NearsideError(
    'steering_build_failed',
    `computing the steering table ended with ${code}: ${output.slice(-2000)}`,
  )
}
