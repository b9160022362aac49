import { networkInterfaces, totalmem } from 'node:os'
import { bytes, list } from '../lib/format.ts'
import { anySize } from '../lib/quantities.ts'
import type { Finding, Key } from './problems.ts'
import { type Region, regionsOf } from './regions.ts'
import type { Topology } from './schema.ts'

/** Compares what a topology may take with what this machine has. */

/** Memory that this process may use: the machine's, or less in a container. */
function memoryBytes(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

/** PostgreSQL's default; a bare number counts blocks of 8 kB. */
const defaultBuffers = '128MB'
const unitBytes: Record<string, number> = {
  '': 8192,
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
}

function buffersBytes(value: string | number | boolean): number {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(value)) ?? []
  return Number(number ?? 0) * (unitBytes[unit.toLowerCase()] ?? 0)
}

type Share = { at: Key[]; eachBytes: number; regions: number }

/** Settings that reserve memory, each with the number of regions that it applies to. */
function sharesOf(topology: Topology, regions: readonly Region[]): Share[] {
  const count = (counts: (region: Region) => boolean) => regions.filter(counts).length
  const { cache, cdn, database } = topology
  const full = count((region) => region.full)
  return [
    { at: ['cache', 'maxMemory'], eachBytes: anySize.parse(cache.maxMemory) ?? 0, regions: full },
    {
      at: ['cdn', 'maxMemory'],
      eachBytes: anySize.parse(cdn.maxMemory) ?? 0,
      regions: count((region) => region.serves),
    },
    {
      at: ['database', 'parameters', 'shared_buffers'],
      eachBytes: buffersBytes(database.parameters.shared_buffers ?? defaultBuffers),
      regions: full,
    },
  ]
}

/** Warns when the regions on this machine may together take more memory than it has. */
export function checkMemory(topology: Topology, availableBytes = memoryBytes()): Finding[] {
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((each) => each?.map((one) => one.address) ?? []),
  )
  const here = regionsOf(topology).filter(({ address }) => address.startsWith('127.') || own.has(address))
  const shares = sharesOf(topology, here).filter(({ regions }) => regions > 0)
  const sum = shares.reduce((total, share) => total + share.eachBytes * share.regions, 0)
  if (sum <= availableBytes) return []
  const largestFirst = shares.toSorted((a, b) => b.eachBytes * b.regions - a.eachBytes * a.regions)
  const parts = largestFirst.map(
    ({ at, eachBytes, regions }) =>
      `${at.join('.')} ${bytes(eachBytes)} in ${regions} ${regions === 1 ? 'region' : 'regions'}`,
  )
  const [largest] = largestFirst
  return [
    {
      at: largest!.at,
      message: `the regions on this machine may take ${bytes(sum)} of memory (${list(parts)}), but it has ${bytes(availableBytes)}`,
      remedy: `lower ${largest!.at.join('.')}, which counts once per region`,
    },
  ]
}
