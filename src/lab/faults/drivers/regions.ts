import { region } from '../arguments.ts'
import type { FaultDriver } from '../driver.ts'
import { isKind, type Lasting } from '../fault.ts'
import type { FaultRecord } from '../record.ts'
import type { FaultTarget } from '../target.ts'
import { stopping } from './stopping.ts'

/** Faults of a whole region. */
export type RegionFault = KillRegion | PauseRegion | RestartRegion
type KillRegion = { kind: 'kill-region'; region: string } & Lasting
type PauseRegion = { kind: 'pause-region'; region: string } & Lasting
type RestartRegion = { kind: 'restart-region'; region: string }

const killRegion: FaultDriver<KillRegion> = {
  words: ['REGION'],
  does: 'sends SIGKILL to every process of the region, the agent first, like a power failure',
  heals: 'the region is started again',
  needs: 'anywhere',
  note: 'the kernel survives and still sends data already in socket buffers; in a lab, cut the region off first to lose that as well',
  impairs: ({ region }) => [region],
  actsDuringInjection: true,
  parse: (input) => ({ kind: 'kill-region', region: region(input), forMs: input.forMs }),
  describe: ({ region }) => `kill everything in ${region}`,
  describeHealing: ({ region }) => `restart ${region}`,
  inject: ({ target, fault }) => target.killRegion(fault.region),
  heal: ({ target, fault, others }) => startUnlessKilled(target, fault.region, others()),
}

/** The region behaves like a frozen machine, which later resumes without noticing that time has passed. */
const pauseRegion: FaultDriver<PauseRegion> = {
  words: ['REGION'],
  does: 'sends SIGSTOP to every process of the region, which later resumes unaware that time has passed',
  heals: 'SIGCONT',
  needs: 'anywhere',
  impairs: ({ region }) => [region],
  parse: (input) => ({ kind: 'pause-region', region: region(input), forMs: input.forMs }),
  describe: ({ region }) => `pause everything in ${region}`,
  describeHealing: ({ region }) => `resume ${region}`,
  ...stopping(({ region }) => [{ region }]),
}

const restartRegion: FaultDriver<RestartRegion> = {
  words: ['REGION'],
  does: 'stops the region cleanly and starts it again',
  heals: 'by itself, once the agent is back',
  needs: 'anywhere',
  impairs: ({ region }) => [region],
  actsDuringInjection: true,
  parse: (input) => ({ kind: 'restart-region', region: region(input) }),
  describe: ({ region }) => `restart ${region} cleanly`,
  describeHealing: () => undefined,
  inject: ({ target, fault }) => target.restartRegion(fault.region),
  heal: async () => undefined,
}

export const regionFaults = {
  'kill-region': killRegion,
  'pause-region': pauseRegion,
  'restart-region': restartRegion,
}

const isKillRegion = isKind<KillRegion>('kill-region')

/** Starts the region's agent, unless another active fault keeps the whole region down. */
export async function startUnlessKilled(
  target: FaultTarget,
  name: string,
  others: readonly FaultRecord[],
): Promise<void> {
  const down = others.some(({ fault }) => isKillRegion(fault) && fault.region === name)
  if (!down) await target.startRegion(name)
}
