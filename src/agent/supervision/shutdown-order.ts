import type { PlanProcess } from '../../plan.ts'

/**
 * The order in which a world stops: first the agents stop deciding, so none declares a stopping region unreachable;
 * then the processes that serve users, then the databases, and finally the state store, so no process loses a
 * dependency. The command line takes all regions through a stage before it begins the next. The last stage stops one
 * region after the other: an etcd leader that stops together with all others waits 7 seconds for a member to transfer
 * leadership to.
 */
export const stages = ['quiet', 'users', 'replica', 'primary', 'all'] as const
export type Stage = (typeof stages)[number]

/** The stage in which a process stops. `primary`: whether its region holds the primary. */
function stageOf(process: Pick<PlanProcess, 'engine'>, primary: boolean): Stage {
  if (process.engine === 'etcd') return 'all'
  if (process.engine === 'postgres') return primary ? 'primary' : 'replica'
  return 'users'
}

/** Whether a process stops in this stage or in an earlier one. */
export const stopsBy = (stage: Stage, process: Pick<PlanProcess, 'engine'>, primary: boolean): boolean =>
  stages.indexOf(stageOf(process, primary)) <= stages.indexOf(stage)
