import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderVariable } from '../agent/layout.ts'
import { allPids, lookAt, type Process, type ProcessId, selfAndAncestors } from '../lib/proc.ts'
import { isProgramPath } from '../lib/program.ts'

/** Finds all processes of a world on this machine without asking an agent. */

export type WorldProcess = ProcessId & {
  region: string
  /** The name in the plan (`haproxy`, `app-0`), `agent`, or the program's own name if its origin is unknown. */
  name: string
  /** True if an agent started it directly; false for its children and helpers. */
  main: boolean
  program: string
  parent: number
}

type RegionPlace = { name: string; folder: string }

type RunRecord = ProcessId & { startedAt: number }

/**
 * A process belongs to a region if it is the region's agent, has the region's folder in its environment, has its
 * working directory in the region's folder (PostgreSQL overwrites its environment), is named in a record, or is a
 * descendant or session member of such a process. A process with a terminal is a person's shell or pager and is left
 * out.
 */
export function processesOf(worldFolder: string, regions: readonly RegionPlace[]): WorldProcess[] {
  const all = new Map(
    allPids()
      .flatMap((pid) => lookAt(pid) ?? [])
      .map((one) => [one.pid, one]),
  )
  // `nearside kill` run in a region's folder must not kill its own shell.
  const ours = selfAndAncestors()
  const candidates = [...all.values()].filter((one) => !ours.has(one.pid))
  const found = new Map<number, WorldProcess>()
  for (const region of regions) {
    const records = recordsOf(region.folder)
    const add = (one: Process, name: string, main: boolean) => {
      const { pid, startTicks, parent } = one
      if (!found.has(pid))
        found.set(pid, { pid, startTicks, parent, region: region.name, name, main, program: one.name })
    }
    for (const one of candidates) if (isAgent(one, worldFolder, region.name)) add(one, 'agent', true)
    for (const [name, id] of records) {
      const one = all.get(id.pid)
      if (one && one.startTicks === id.startTicks) add(one, name, true)
    }
    const addKin = () => {
      for (let before = -1; before !== found.size; ) {
        before = found.size
        for (const one of candidates) {
          const kin = found.get(one.parent) ?? (one.daemon ? found.get(one.session) : undefined)
          if (kin?.region === region.name) add(one, kin.name === 'agent' ? one.name : kin.name, false)
        }
      }
    }
    // Relatives of a named process take its name first. Processes found only by their environment come next.
    addKin()
    for (const one of candidates)
      if (one.daemon && (livesIn(one, region.folder) || one.variable(folderVariable) === region.folder))
        add(one, nameByPlace(one, region.folder), false)
    addKin()
  }
  return named([...found.values()])
}

/** Whether the process is this region's agent, by its command line. */
export const isAgent = (one: Process, worldFolder: string, region: string): boolean =>
  agentAt(one)?.folder === worldFolder && agentAt(one)?.region === region

/** The world and region whose agent the process is; undefined if it is not an agent. */
export function agentAt({
  command,
}: Pick<Process, 'command'>): { folder: string; region: string } | undefined {
  const at = command.findIndex((word) => isProgramPath(word, 'agent/main'))
  const value = (option: string) => {
    const i = command.indexOf(option, at)
    return i === -1 ? undefined : command[i + 1]
  }
  const [folder, region] = [value('--world'), value('--region')]
  return at === -1 || folder === undefined || region === undefined ? undefined : { folder, region }
}

/** Records in `run/` of started processes, running or not. */
export function recordsOf(regionFolder: string): Map<string, RunRecord> {
  const found = new Map<string, RunRecord>()
  let names: string[] = []
  try {
    names = readdirSync(join(regionFolder, 'run')).filter((name) => name.endsWith('.json'))
  } catch {
    // A region that was never started has no such folder.
  }
  for (const name of names)
    try {
      const record = JSON.parse(readFileSync(join(regionFolder, 'run', name), 'utf8')) as RunRecord
      if (Number.isInteger(record.pid)) found.set(name.slice(0, -'.json'.length), record)
    } catch {
      // A half-written record counts as missing: the environment identifies its process.
    }
  return found
}

const livesIn = ({ workingFolder: at }: Process, folder: string) =>
  at !== undefined && (at === folder || at.startsWith(`${folder}/`))

const nameByPlace = (one: Process, folder: string) =>
  one.workingFolder?.startsWith(`${folder}/data/postgres`) ? 'postgres' : one.name

/** Parents of a named process, such as a sandbox's monitor, take its name. */
function named(processes: WorldProcess[]): WorldProcess[] {
  const main = processes.filter((one) => one.main && one.name !== 'agent')
  return processes.map((one) => {
    if (one.main) return one
    const child = main.find((other) => other.parent === one.pid)
    return child ? { ...one, name: child.name } : one
  })
}
