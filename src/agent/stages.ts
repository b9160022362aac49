import type { PlanProcess } from '../plan.ts'

/**
 * How a region is stopped: users first, then data, then the shared memory, so that nothing loses what it leans on.
 * The command line takes all regions through one stage before the next.
 */
export const stages = ['users', 'replica', 'primary', 'all'] as const
export type Stage = (typeof stages)[number]

/** The stage in which a process ends; `primary` says whether its region holds the primary. */
export function stageOf(process: Pick<PlanProcess, 'engine'>, primary: boolean): Stage {
  if (process.engine === 'etcd') return 'all'
  if (process.engine === 'postgres') return primary ? 'primary' : 'replica'
  return 'users'
}

/** True for everything that ends in this stage or in an earlier one. */
export const endsBy = (stage: Stage, process: Pick<PlanProcess, 'engine'>, primary: boolean): boolean =>
  stages.indexOf(stageOf(process, primary)) <= stages.indexOf(stage)
