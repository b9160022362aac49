import { type Difference, differenceBetween, specOf } from '../agent/supervision/launch.ts'
import type { EngineName, Plan, PlanProcess, RegionPlan } from '../plan.ts'
import type { Topology } from '../topology/schema.ts'

/** How a running world can take a changed topology file. */
export type Change =
  /** Agents apply the new plan while the world serves. Lists the processes to restart, reload and remove, by region. */
  | {
      kind: 'live'
      paths: string[]
      restarts: Record<string, string[]>
      reloads: Record<string, string[]>
      removed: Record<string, string[]>
      /** Processes that the new plan has and the old one had not, by region. */
      added: Record<string, string[]>
    }
  /** The change needs a stopped world. `fixed`: the paths that need it; the others could change while it runs. */
  | { kind: 'refused'; paths: string[]; fixed: string[]; why: string }

/** Engines that hold data or the world's state. They cannot change while others depend on them. */
const statefulEngines: EngineName[] = ['etcd', 'postgres']

type Revision = { topology: Topology; plan: Plan }

/** Compiles a topology for the world in question. */
type Compile = (topology: Topology) => Plan

/** `changeBetween`, and for a refused change the paths that cause the refusal. Pure. */
export function changeOf(before: Revision, after: Revision, compile: Compile): Change {
  const change = changeBetween(before, after)
  if (change.kind === 'live') return change
  const keys = keysChanged(before.topology, after.topology)
  const isFixed = (path: readonly string[]): boolean => {
    const topology = withOnly(before.topology, after.topology, path)
    try {
      return changeBetween(before, { topology, plan: compile(topology) }).kind === 'refused'
    } catch {
      // Without the other changes it is no topology, such as a primary in a region that does not exist yet.
      return true
    }
  }
  return { ...change, fixed: keys.filter(isFixed).map((path) => path.join('.')) }
}

/** `before` with the value of `after` at one path. */
function withOnly(before: Topology, after: Topology, path: readonly string[]): Topology {
  const result = structuredClone(before)
  let [to, from]: Record<string, unknown>[] = [result, after]
  for (const key of path.slice(0, -1)) [to, from] = [to![key], from![key]] as Record<string, unknown>[]
  const last = path.at(-1)
  if (last === undefined) return after
  if (Object.hasOwn(from!, last)) to![last] = from![last]
  else delete to![last]
  return result
}

/**
 * Allows a change only if every process to restart can be missing from one region for a moment while the other regions
 * serve; regions change one after another. Refuses changes to regions, addresses and stateful engines. Pure.
 */
export function changeBetween(before: Revision, after: Revision): Change {
  const paths = pathsChanged(before.topology, after.topology)
  const refused = (why: string): Change => ({ kind: 'refused', paths, fixed: paths, why })
  const shape = (plan: Plan) =>
    JSON.stringify(Object.values(plan.regions).map((one) => [one.region, one.address]))
  if (shape(before.plan) !== shape(after.plan)) return refused('regions and addresses cannot change')
  if (before.topology.ports.agent !== after.topology.ports.agent)
    return refused('the agents’ port cannot change')
  const restarts: Record<string, string[]> = {}
  const reloads: Record<string, string[]> = {}
  const removed: Record<string, string[]> = {}
  const added: Record<string, string[]> = {}
  for (const [region, plan] of Object.entries(after.plan.regions)) {
    const old = before.plan.regions[region]!
    const changed = differing(old, plan)
    const kept = changed.find(({ process }) => statefulEngines.includes(process.engine))
    if (kept) return refused(`${kept.process.engine === 'etcd' ? 'etcd' : 'PostgreSQL'} cannot change`)
    const named = (by: Difference) =>
      changed.filter(({ differs }) => differs === by).map(({ process }) => process.name)
    const others = [...namesOf(old), ...namesOf(plan)].filter(
      (name) => !namesOf(old).includes(name) || !namesOf(plan).includes(name),
    )
    restarts[region] = named('start').filter((name) => !others.includes(name))
    reloads[region] = named('files')
    removed[region] = namesOf(old).filter((name) => !namesOf(plan).includes(name))
    added[region] = namesOf(plan).filter((name) => !namesOf(old).includes(name))
  }
  return { kind: 'live', paths, restarts, reloads, removed, added }
}

const namesOf = (plan: RegionPlan) => plan.processes.map((process) => process.name)

/** Processes that are new, removed, started differently or given different files. */
function differing(
  before: RegionPlan,
  after: RegionPlan,
): { process: PlanProcess; differs: Exclude<Difference, 'none'> }[] {
  const specs = (plan: RegionPlan) =>
    new Map(plan.processes.map((process) => [process.name, specOf(process, plan.files)]))
  const [old, now] = [specs(before), specs(after)]
  const gone = before.processes.filter(({ name }) => !now.has(name))
  return [...after.processes, ...gone].flatMap((process) => {
    const [was, is] = [old.get(process.name), now.get(process.name)]
    const differs = was && is ? differenceBetween(was, is) : 'start'
    return differs === 'none' ? [] : [{ process, differs }]
  })
}

/**
 * Paths where two topologies differ: `app.instances`, `regions.us-east.env.LOG_LEVEL`. No values: they may be secret.
 */
export const pathsChanged = (before: unknown, after: unknown): string[] =>
  keysChanged(before, after).map((path) => path.join('.'))

function keysChanged(before: unknown, after: unknown, path: string[] = []): string[][] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  if (!isRecord(before) || !isRecord(after)) return [path]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const below = keys.flatMap((key) => keysChanged(before[key], after[key], [...path, key]))
  // The order of keys matters only for regions.
  return below.length > 0 ? below : [path]
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
