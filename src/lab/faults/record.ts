import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAside } from '../../lib/files.ts'
import { identify, isAlive, type ProcessId } from '../../lib/proc.ts'
import type { Link } from '../wan/index.ts'
import { boundMs, type Fault } from './types.ts'

/**
 * Faults in force, on disk: `<world>/faults/<id>.json`. Written before a fault is injected and removed after it is
 * healed, so that whatever ends in between leaves a record and never a fault that nobody knows of. The fault itself is
 * all that healing needs; healing what was never injected, or is healed already, does nothing.
 */
export type FaultRecord = {
  id: string
  fault: Fault
  /** Who injected it and heals it. Once that process is gone, anybody may. */
  owner: ProcessId
  /** Milliseconds since 1970. */
  injectedAt: number
  /** By then it is to be healed, whoever is alive. */
  until: number
  /** The links that it is about as they were without any fault, however an operator had set them. */
  linksBefore?: Link[]
  /** Said before healing begins: from then on nothing is left as it is because of this fault. */
  healing?: true
}

const folderOf = (worldFolder: string) => join(worldFolder, 'faults')
const fileOf = (worldFolder: string, id: string) => join(folderOf(worldFolder), `${id}.json`)

/** Healing takes a moment: until then nobody else takes over. */
export const graceMs = 10_000

export async function writeRecord(
  worldFolder: string,
  fault: Fault,
  { now = Date.now(), linksBefore }: { now?: number; linksBefore?: Link[] | undefined } = {},
): Promise<FaultRecord> {
  const record: FaultRecord = {
    id: `${String(now).padStart(15, '0')}-${randomBytes(4).toString('hex')}`,
    fault,
    owner: identify(process.pid) ?? { pid: process.pid, startTicks: 0 },
    injectedAt: now,
    until: now + boundMs(fault),
    ...(linksBefore ? { linksBefore } : {}),
  }
  await mkdir(folderOf(worldFolder), { recursive: true, mode: 0o700 })
  await writeAside(fileOf(worldFolder, record.id), `${JSON.stringify(record, null, 2)}\n`, 0o600)
  return record
}

/**
 * Says that healing begins. Two faults that are healed at the same time, by two commands, would else each leave to the
 * other what both hold. A disk that is full must not keep anything broken: then the record stays as it is.
 */
export async function markHealing(worldFolder: string, record: FaultRecord): Promise<void> {
  const file = fileOf(worldFolder, record.id)
  await writeAside(file, `${JSON.stringify({ ...record, healing: true }, null, 2)}\n`, 0o600).catch(
    () => undefined,
  )
}

export function removeRecord(worldFolder: string, id: string): void {
  rmSync(fileOf(worldFolder, id), { force: true })
}

/** Oldest first. What cannot be read is none: records are written whole or not at all. */
export function readRecords(worldFolder: string): FaultRecord[] {
  let names: string[] = []
  try {
    names = readdirSync(folderOf(worldFolder)).filter((name) => name.endsWith('.json'))
  } catch {
    return []
  }
  return names.sort().flatMap((name) => {
    try {
      return [JSON.parse(readFileSync(join(folderOf(worldFolder), name), 'utf8')) as FaultRecord]
    } catch {
      return []
    }
  })
}

/** Without those that are being healed at this moment. */
export const inForce = (worldFolder: string): FaultRecord[] =>
  readRecords(worldFolder).filter(({ healing }) => !healing)

/** Asked anew whenever it counts: other commands inject and heal at the same time. */
export type Records = () => readonly FaultRecord[]

/** Pure but for the look at the owner: nobody will heal it any more, or whoever should is late. */
export const isLeft = (
  { owner, until }: FaultRecord,
  now = Date.now(),
  alive: (id: ProcessId) => boolean = isAlive,
): boolean => !alive(owner) || now > until + graceMs
