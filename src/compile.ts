import { renderApp } from './engines/app/render.ts'
import type { RegionContext } from './engines/context.ts'
import { renderEtcd } from './engines/etcd/render.ts'
import { renderHaproxy } from './engines/haproxy/render.ts'
import { renderKnot } from './engines/knot/render.ts'
import { type Machine, sampleMachine } from './engines/machine.ts'
import { renderPostgres } from './engines/postgres/render.ts'
import { renderRedis } from './engines/redis/render.ts'
import { renderVarnish } from './engines/varnish/render.ts'
import type { EnginePart, Plan, RegionPlan } from './plan.ts'
import { othersByDistance, regionsOf } from './topology/regions.ts'
import type { Topology } from './topology/schema.ts'
import type { Secrets } from './topology/secrets.ts'

type CompileInputs = {
  secrets: Secrets
  /** The world's folder, absolute; a region's folder is `<folder>/regions/<name>`. */
  folder: string
  appFolder: string
  /** The machine that runs the region; a sample where no process will run with the plan. */
  machine?: Machine
}

/** In starting order. Hard dependencies are in each process's `after`. */
const engines: ((context: RegionContext) => EnginePart)[] = [
  renderEtcd,
  renderHaproxy,
  renderVarnish,
  renderKnot,
  renderRedis,
  renderPostgres,
  renderApp,
]

/** Compiles a topology into the plan of every region. Pure: the same inputs give the same plan, byte for byte. */
export function compile(topology: Topology, inputs: CompileInputs): Plan {
  const regions = regionsOf(topology)
  return {
    world: topology.name,
    regions: Object.fromEntries(
      regions.map((region) => [region.name, compileRegion(topology, region.name, inputs)]),
    ),
  }
}

export function compileRegion(topology: Topology, name: string, inputs: CompileInputs): RegionPlan {
  const context = contextOf(topology, name, inputs)
  const parts = engines.map((render) => render(context))
  return {
    region: name,
    address: context.region.address,
    folders: ['etc', 'data', 'log', 'run', ...parts.flatMap((part) => part.folders)],
    files: parts.flatMap((part) => part.files),
    processes: parts.flatMap((part) => part.processes),
  }
}

export function contextOf(topology: Topology, name: string, inputs: CompileInputs): RegionContext {
  const regions = regionsOf(topology)
  const region = regions.find((candidate) => candidate.name === name)!
  return {
    topology,
    region,
    regions,
    others: othersByDistance(regions, region),
    secrets: inputs.secrets,
    folder: `${inputs.folder}/regions/${name}`,
    appFolder: inputs.appFolder,
    machine: inputs.machine ?? sampleMachine,
  }
}
