import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAside } from '../../lib/files.ts'
import { identify, isAlive, type ProcessId } from '../../lib/proc.ts'
import { faultFolder } from '../../world/fault-folder.ts'
import type { Link } from '../wan/index.ts'
import { boundMs, type FaultValue } from './fault.ts'

/**
 * An active fault on disk: `<world>/faults/<id>.json`, written before the fault is injected and removed after it is
 * healed. If anything ends in between, a record is left and never a fault that nobody knows of. Healing needs nothing
 * but the record, and does nothing if the fault was never injected or is healed already.
 */
export type FaultRecord = {
  id: string
  fault: FaultValue
  /** The process that injected the fault and heals it. Once it has ended, any command may heal. */
  owner: ProcessId
  /** Milliseconds since 1970. */
  injectedAt: number
  /** The fault is to be healed by then, whether its owner is alive or not. */
  until: number
  /** The fault's links as they were without any fault, including what an operator had set. */
  linksBefore?: Link[]
  /** Written before healing begins: from then on the fault holds nothing. */
  healing?: true
}

/** What healing needs beside the fault. */
export type Captured = Pick<FaultRecord, 'linksBefore'>

const fileOf = (worldFolder: string, id: string) => join(faultFolder(worldFolder), `${id}.json`)

/** Healing takes a moment; until then nobody takes over. */
export const graceMs = 10_000

export async function writeRecord(
  worldFolder: string,
  fault: FaultValue,
  { now = Date.now(), linksBefore }: Captured & { now?: number } = {},
): Promise<FaultRecord> {
  const record: FaultRecord = {
    id: `${String(now).padStart(15, '0')}-${randomBytes(4).toString('hex')}`,
    fault,
    owner: identify(process.pid) ?? { pid: process.pid, startTicks: 0 },
    injectedAt: now,
    until: now + boundMs(fault),
    ...(linksBefore ? { linksBefore } : {}),
  }
  await mkdir(faultFolder(worldFolder), { recursive: true, mode: 0o700 })
  await writeAside(fileOf(worldFolder, record.id), `${JSON.stringify(record, null, 2)}\n`, 0o600)
  return record
}

/**
 * Marks that healing begins. Without it, two commands that heal at the same time would each leave to the other what both
 * faults hold. A full disk must not keep a fault from being healed: the record then stays as it is.
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

/** Oldest first. Unreadable files do not count: records are written whole or not at all. */
export function readRecords(worldFolder: string): FaultRecord[] {
  let names: string[] = []
  try {
    names = readdirSync(faultFolder(worldFolder)).filter((name) => name.endsWith('.json'))
  } catch {
    return []
  }
  return names.sort().flatMap((name) => {
    try {
      return [JSON.parse(readFileSync(join(faultFolder(worldFolder), name), 'utf8')) as FaultRecord]
    } catch {
      return []
    }
  })
}

/** Without those that are being healed. */
export const activeRecords = (worldFolder: string): FaultRecord[] =>
  readRecords(worldFolder).filter(({ healing }) => !healing)

/** True if nobody will heal the fault any more, or whoever should is late. Pure but for the check of the owner. */
export const isLeft = (
  { owner, until }: FaultRecord,
  now = Date.now(),
  alive: (id: ProcessId) => boolean = isAlive,
): boolean => !alive(owner) || now > until + graceMs
