import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderVariable } from '../agent/layout.ts'
import { allPids, lookAt, type Process, type ProcessId } from '../lib/proc.ts'
import { isProgramPath } from '../lib/program.ts'

/** Everything of a world that lives on this machine, found without asking an agent. */

export type WorldProcess = ProcessId & {
  region: string
  /** As the plan names it (`haproxy`, `app-0`), `agent`, or the program's own name when its origin is lost. */
  name: string
  /** Started by an agent as such, and not a child or a helper of that. */
  main: boolean
  program: string
  parent: number
}

type RegionPlace = { name: string; folder: string }

type RunRecord = ProcessId & { startedAt: number }

/**
 * A process belongs to a region when it is its agent, when it carries the region's mark in its environment, when it
 * works in the region's folder (PostgreSQL overwrites its environment), when a record says so, or when it descends
 * from one of these or shares its session. What has a terminal is a person's shell or pager, and is nobody's.
 */
export function processesOf(worldFolder: string, regions: readonly RegionPlace[]): WorldProcess[] {
  const all = new Map(
    allPids()
      .flatMap((pid) => lookAt(pid) ?? [])
      .map((one) => [one.pid, one]),
  )
  const ours = ourselves(all)
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
    // Kin of what has a name goes by that name; only then what is found by its mark alone, and its kin.
    addKin()
    for (const one of candidates)
      if (one.daemon && (livesIn(one, region.folder) || one.variable(folderVariable) === region.folder))
        add(one, nameByPlace(one, region.folder), false)
    addKin()
  }
  return named([...found.values()])
}

/** The agent of a region, by its command line. */
export const isAgent = (one: Process, worldFolder: string, region: string): boolean =>
  agentAt(one)?.folder === worldFolder && agentAt(one)?.region === region

/** Which world and region a process is the agent of; undefined when it is none. */
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

/** What `run/` says was started, whether it still lives or not. */
export function recordsOf(regionFolder: string): Map<string, RunRecord> {
  const found = new Map<string, RunRecord>()
  let names: string[] = []
  try {
    names = readdirSync(join(regionFolder, 'run')).filter((name) => name.endsWith('.json'))
  } catch {
    // A region that was never started has no folder.
  }
  for (const name of names)
    try {
      const record = JSON.parse(readFileSync(join(regionFolder, 'run', name), 'utf8')) as RunRecord
      if (Number.isInteger(record.pid)) found.set(name.slice(0, -'.json'.length), record)
    } catch {
      // Half-written is as good as none: what it names is found by its mark.
    }
  return found
}

const livesIn = ({ workingFolder: at }: Process, folder: string) =>
  at !== undefined && (at === folder || at.startsWith(`${folder}/`))

const nameByPlace = (one: Process, folder: string) =>
  one.workingFolder?.startsWith(`${folder}/data/postgres`) ? 'postgres' : one.name

/** A sandbox's monitor, and whatever else is the parent of a named process, goes by that process's name. */
function named(processes: WorldProcess[]): WorldProcess[] {
  const main = processes.filter((one) => one.main && one.name !== 'agent')
  return processes.map((one) => {
    if (one.main) return one
    const child = main.find((other) => other.parent === one.pid)
    return child ? { ...one, name: child.name } : one
  })
}

/** This command and those that started it: `nearside kill` typed in a region's folder must not end its own shell. */
function ourselves(all: ReadonlyMap<number, Process>): Set<number> {
  const ours = new Set<number>()
  for (let pid = process.pid; pid > 1 && !ours.has(pid); pid = all.get(pid)?.parent ?? 0) ours.add(pid)
  return ours
}
