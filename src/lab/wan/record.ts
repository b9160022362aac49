import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { folderVariable } from '../../agent/layout.ts'
import { writeAside } from '../../lib/files.ts'
import { allPids, isAlive, lookAt, type ProcessId } from '../../lib/proc.ts'

/** `shaper.json` in the shaper's folder: its process and start parameters. */
type ShaperRecord = ProcessId & {
  program: string
  device: string
  /** The namespace itself rather than its name, which may refer to a new one by now. */
  namespaceInode: number
}

const recordFile = (folder: string) => join(folder, 'shaper.json')

export const writeRecord = (folder: string, record: ShaperRecord) =>
  writeAside(recordFile(folder), JSON.stringify(record), 0o600)

export const removeRecord = (folder: string) => rm(recordFile(folder), { force: true })

/** Undefined if missing or unreadable. */
export function readRecord(folder: string): ShaperRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(recordFile(folder), 'utf8')) as ShaperRecord
    return Number.isInteger(record.pid) && Number.isInteger(record.startTicks) ? record : undefined
  } catch {
    return undefined
  }
}

/** By record and by command line: a shaper whose starter was killed has no record. */
export function shapersOf(folder: string): ProcessId[] {
  const record = readRecord(folder)
  const marked = allPids().flatMap((pid) => {
    const one = lookAt(pid)
    return one?.name === programName && one.variable(folderVariable) === folder ? [one] : []
  })
  const all = [...(record && isAlive(record) ? [record] : []), ...marked]
  return all.filter((one, at) => all.findIndex(({ pid }) => pid === one.pid) === at)
}

/** The name as the kernel keeps it, limited to 15 bytes. */
export const programName = 'nearside-wan'
