import { open, rename, rm } from 'node:fs/promises'
import { loadCities } from '../geo/cities.ts'
import { loadPlaces } from '../geo/load-places.ts'
import type { PlaceTree } from '../geo/place-tree.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { type BuildJob, temporaryFile } from './build-files.ts'
import { progressWriter, watched } from './build-progress.ts'
import { computeTable } from './compute.ts'
import { fingerprintOf } from './inputs.ts'
import type { Settlement } from './population.ts'
import type { SteeringTable } from './table.ts'
import { encodeTable } from './table-file.ts'

/** Percent of the build that reading the databases, and ranking their prefixes, has taken when it ends. */
const readPercent = 10
const rankedPercent = 85

async function work(): Promise<void> {
  const job: BuildJob = JSON.parse(await text(process.stdin))
  const progress = progressWriter(job.progressFile)
  progress.step(0)
  try {
    const table = compute(job, await loadPlaces(job.places), await loadCities(), progress.step)
    if ((await fingerprintOf(job.places)) !== job.fingerprint)
      throw new NearsideError('geoip_changed', `${job.places.join(' or ')} changed while it was being read`, {
        remedy: 'nothing: it is read again once it is complete',
      })
    await write(job.file, encodeTable(table))
  } finally {
    progress.end()
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryFile(path, process.pid)
  try {
    const file = await open(temporary, 'w', 0o644)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    throw new NearsideError('steering_cache_unwritable', `${path}: ${messageOf(cause)}`, {
      remedy: 'free some space, or make the folder writable',
      cause,
    })
  } finally {
    await rm(temporary, { force: true })
  }
}

function compute(
  { regions, maxPrefixes, places: files }: BuildJob,
  places: PlaceTree[],
  settlements: Settlement[],
  onPercent: (percent: number) => void,
): SteeringTable {
  const of = places.length
  const seen = places.map((tree, index) =>
    // It is walked twice: see `surveyPlaces`.
    watched(tree, tree.stepLimit / 4, (share) =>
      onPercent(readPercent + ((rankedPercent - readPercent) * (index + Math.min(1, share))) / of),
    ),
  )
  try {
    return computeTable({ regions, maxPrefixes, places: seen, settlements })
  } catch (cause) {
    if (cause instanceof NearsideError) throw cause
    throw new NearsideError('geoip_damaged', `${files.join(' or ')} is damaged: ${messageOf(cause)}`, {
      remedy: 'download the file again',
      cause,
    })
  }
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = ''
  for await (const chunk of stream) all += chunk
  return all
}

try {
  await work()
} catch (error) {
  const known = error instanceof NearsideError
  const code = known ? error.code : 'steering_build_failed'
  const remedy = known ? error.remedy : undefined
  process.stderr.write(`${JSON.stringify({ code, message: messageOf(error), remedy })}\n`)
  process.exitCode = 1
}
