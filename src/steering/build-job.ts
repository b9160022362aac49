import { open, rename, rm } from 'node:fs/promises'
import { loadPlaces } from '../geo/load-places.ts'
import type { PlaceTree } from '../geo/place-tree.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { type BuildJob, temporaryFile } from './build-files.ts'
import { computeTable } from './compute.ts'
import type { SteeringRegion, SteeringTable } from './table.ts'
import { encodeTable } from './table-file.ts'

async function work(): Promise<void> {
  const job: BuildJob = JSON.parse(await text(process.stdin))
  const { regions, maxPrefixes } = job
  const table = compute(regions, maxPrefixes, await loadPlaces(job.places), job.places)
  const temporary = temporaryFile(job.file, process.pid)
  try {
    const file = await open(temporary, 'w', 0o644)
    try {
      await file.writeFile(encodeTable(table))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, job.file)
  } finally {
    await rm(temporary, { force: true })
  }
}

function compute(
  regions: SteeringRegion[],
  maxPrefixes: number,
  places: PlaceTree[],
  files: string[],
): SteeringTable {
  try {
    return computeTable({ regions, maxPrefixes, places })
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
