import { type Difference, differenceBetween, specOf } from '../agent/supervision/launch.ts'
import type { EngineName, Plan, PlanProcess, RegionPlan } from '../plan.ts'
import type { Topology } from '../topology/schema.ts'

/** What becomes of a running world when its topology file has changed. */
export type Change =
  /** Agents can take the new plan while the world serves. By region: which processes start anew, reload, or end. */
  | {
      kind: 'live'
      paths: string[]
      restarts: Record<string, string[]>
      reloads: Record<string, string[]>
      removed: Record<string, string[]>
    }
  /** It cannot be done while the world runs. */
  | { kind: 'refused'; paths: string[]; why: string }

/** Engines that hold the world's data or its shared memory: they do not change while others lean on them. */
const keepers: EngineName[] = ['etcd', 'postgres']

type Revision = { topology: Topology; plan: Plan }

/**
 * Pure. Users are served through a change when only what a region can spare for a moment starts anew: one region
 * after another, while the others serve. Where regions and addresses change, or what holds the data, it is refused.
 */
export function changeBetween(before: Revision, after: Revision): Change {
  const paths = pathsChanged(before.topology, after.topology)
  const refused = (why: string): Change => ({ kind: 'refused', paths, why })
  const shape = (plan: Plan) =>
    JSON.stringify(Object.values(plan.regions).map((one) => [one.region, one.address]))
  if (shape(before.plan) !== shape(after.plan)) return refused('regions and addresses cannot change')
  if (before.topology.ports.agent !== after.topology.ports.agent)
    return refused('the agents’ port cannot change')
  const restarts: Record<string, string[]> = {}
  const reloads: Record<string, string[]> = {}
  const removed: Record<string, string[]> = {}
  for (const [region, plan] of Object.entries(after.plan.regions)) {
    const old = before.plan.regions[region]!
    const changed = differing(old, plan)
    const kept = changed.find(({ process }) => keepers.includes(process.engine))
    if (kept) return refused(`${kept.process.engine === 'etcd' ? 'etcd' : 'PostgreSQL'} cannot change`)
    const named = (by: Difference) =>
      changed.filter(({ differs }) => differs === by).map(({ process }) => process.name)
    restarts[region] = named('start')
    reloads[region] = named('files')
    removed[region] = namesOf(old).filter((name) => !namesOf(plan).includes(name))
  }
  return { kind: 'live', paths, restarts, reloads, removed }
}

const namesOf = (plan: RegionPlan) => plan.processes.map((process) => process.name)

/** Processes that are new, gone, or run with something else from now on. */
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

/** Where two topologies differ: `app.instances`, `regions.us-east.env.LOG_LEVEL`. Paths only: values may be secret. */
export function pathsChanged(before: unknown, after: unknown, path: string[] = []): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  if (!isRecord(before) || !isRecord(after)) return [path.join('.')]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const below = keys.flatMap((key) => pathsChanged(before[key], after[key], [...path, key]))
  // The same keys in another order: that counts only for regions.
  return below.length > 0 ? below : [path.join('.')]
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
