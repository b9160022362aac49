import type { PlanProcess } from '../../plan.ts'

/**
 * How a region is stopped: agents fall silent, so that none declares a region lost that is being stopped; then users,
 * then data, then the store memory, so that nothing loses what it leans on. The command line takes all regions
 * through one stage before the next. The last one takes the regions one by one: an etcd leader that stops while all
 * others do waits 7 seconds for one to hand over to.
 */
export const stages = ['quiet', 'users', 'replica', 'primary', 'all'] as const
export type Stage = (typeof stages)[number]

/** The stage in which a process ends; `primary` says whether its region holds the primary. */
function stageOf(process: Pick<PlanProcess, 'engine'>, primary: boolean): Stage {
  if (process.engine === 'etcd') return 'all'
  if (process.engine === 'postgres') return primary ? 'primary' : 'replica'
  return 'users'
}

/** True for everything that ends in this stage or in an earlier one. */
export const endsBy = (stage: Stage, process: Pick<PlanProcess, 'engine'>, primary: boolean): boolean =>
  stages.indexOf(stageOf(process, primary)) <= stages.indexOf(stage)
