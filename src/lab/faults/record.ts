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
 * healed. A crash in between leaves a record, never an unrecorded fault. Healing needs only the record, and does
 * nothing if the fault was never injected or is already healed.
 */
export type FaultRecord = {
  id: string
  fault: FaultValue
  /** The process that injected the fault and heals it. Once it has ended, any command may heal. */
  owner: ProcessId
  /** Milliseconds since 1970. */
  injectedAt: number
  /** Time by which the fault must be healed, even if its owner is alive. */
  until: number
  /** The fault's links without any fault, including changes by an operator. */
  linksBefore?: Link[]
  /** Set before healing begins. From then on, the fault no longer counts as active. */
  healing?: true
}

/** Data that healing needs besides the fault. */
export type Captured = Pick<FaultRecord, 'linksBefore'>

const fileOf = (worldFolder: string, id: string) => join(faultFolder(worldFolder), `${id}.json`)

/** How long the owner may take to heal before another process takes over. */
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
 * Marks the start of healing. Without the mark, two commands that heal at the same time would each leave a shared
 * effect of their faults to the other. A full disk must not prevent healing: the record then stays unmarked.
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

/** All records, oldest first. Ignores unreadable files, because records are written atomically. */
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

/** Records of faults that are not being healed. */
export const activeRecords = (worldFolder: string): FaultRecord[] =>
  readRecords(worldFolder).filter(({ healing }) => !healing)

/** The fault's owner has exited, or its owner is overdue. Pure, except that it checks whether the owner is alive. */
export const isLeft = (
  { owner, until }: FaultRecord,
  now = Date.now(),
  alive: (id: ProcessId) => boolean = isAlive,
): boolean => !alive(owner) || now > until + graceMs
