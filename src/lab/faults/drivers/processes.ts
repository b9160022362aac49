import { named, region } from '../arguments.ts'
import type { FaultDriver, FaultInput } from '../driver.ts'
import { nothingThere, usage } from '../errors.ts'
import type { Lasting } from '../fault.ts'
import { kill } from '../signals.ts'
import { startUnlessKilled } from './regions.ts'
import { stopping } from './stopping.ts'

/** Faults of one process. */
export type ProcessFault = KillProcess | PauseProcess | RestartProcess
type OneProcess = { region: string; process: string }
type KillProcess = { kind: 'kill-process' } & OneProcess & Lasting
type PauseProcess = { kind: 'pause-process' } & OneProcess & Lasting
type RestartProcess = { kind: 'restart-process' } & OneProcess

const killProcess: FaultDriver<KillProcess> = {
  words: ['REGION', 'PROCESS'],
  does: 'sends SIGKILL to a process and its children; postmaster is PostgreSQL’s first process, without its Patroni',
  heals: 'its agent restarts it; a killed agent is restarted when the fault ends',
  needs: 'anywhere',
  actsDuringInjection: true,
  parse: (input) => ({ kind: 'kill-process', ...oneProcess(input), forMs: input.forMs }),
  describe: ({ region, process }) => `kill ${region}/${process}`,
  describeHealing: ({ region, process }) =>
    process === 'agent' ? `start the agent of ${region} again` : undefined,
  async inject({ target, fault, effect }) {
    if ((await kill(target, fault.region, fault.process)).length === 0) throw nothingThere(effect)
  },
  async heal({ target, fault, others }) {
    if (fault.process === 'agent') await startUnlessKilled(target, fault.region, others())
  },
}

const pauseProcess: FaultDriver<PauseProcess> = {
  words: ['REGION', 'PROCESS'],
  does: 'sends SIGSTOP: the process keeps its connections but answers nothing; its agent does not restart it, because it is alive (a paused postmaster accepts no new connections)',
  heals: 'SIGCONT',
  needs: 'anywhere',
  impairs: ({ region }) => [region],
  parse: (input) => ({ kind: 'pause-process', ...oneProcess(input), forMs: input.forMs }),
  describe: ({ region, process }) => `pause ${region}/${process}`,
  describeHealing: ({ region, process }) => `resume ${region}/${process}`,
  ...stopping(({ region, process }) => [{ region, process }]),
}

const restartProcess: FaultDriver<RestartProcess> = {
  words: ['REGION', 'PROCESS'],
  does: 'stops a process cleanly and starts it again',
  heals: 'by itself, once the process is ready again',
  needs: 'anywhere',
  actsDuringInjection: true,
  parse: (input) => ({ kind: 'restart-process', ...restartable(input) }),
  describe: ({ region, process }) => `restart ${region}/${process}`,
  describeHealing: () => undefined,
  inject: ({ target, fault }) => target.restartProcess(fault.region, fault.process),
  heal: async () => undefined,
}

export const processFaults = {
  'kill-process': killProcess,
  'pause-process': pauseProcess,
  'restart-process': restartProcess,
}

function oneProcess(input: FaultInput, without: readonly string[] = []): OneProcess {
  const name = region(input)
  const process = input.words[1]!
  const known = input.facts.processesOf?.(name)?.filter((one) => !without.includes(one))
  if (known) named('process', process, known)
  return { region: name, process }
}

/** The agent supervises Patroni, not the postmaster, so the postmaster can only be killed or paused. */
function restartable(input: FaultInput): OneProcess {
  if (input.words[1] !== 'postmaster') return oneProcess(input, ['postmaster'])
  throw usage(
    'fault_postmaster',
    `${input.kind}: the agent does not supervise postmaster; it can be killed or paused`,
    `nearside lab fault ${input.kind} ${region(input)} postgres restarts it with its Patroni`,
  )
}
