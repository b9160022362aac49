import { fullRegion } from '../arguments.ts'
import type { FaultDriver } from '../driver.ts'
import { usage } from '../errors.ts'
import { isKind, type Lasting } from '../fault.ts'
import type { FaultRecord } from '../record.ts'
import type { FaultTarget } from '../target.ts'
import { whileActive } from '../upkeep.ts'

/** The replica receives and stores WAL, so writes are acknowledged, but it does not replay it. */
export type DatabaseFault = { kind: 'replay-paused'; region: string } & Lasting

const checkIntervalMs = 200

const replayPaused: FaultDriver<DatabaseFault> = {
  words: ['REGION'],
  does: 'the replica receives and stores WAL but does not replay it: its reads become stale, writes continue',
  heals: 'pg_wal_replay_resume()',
  needs: 'anywhere',
  note: 'Patroni resumes replay every few seconds; it is paused again within 100 ms. A promotion ends the fault',
  parse(input) {
    const { kind, facts, forMs } = input
    const region = fullRegion(input)
    if (region !== facts.primary) return { kind: 'replay-paused', region, forMs }
    const replicas = facts.regions.filter((one) => one.full && one.name !== region).map((one) => one.name)
    throw usage(
      'fault_primary',
      `${kind}: ${region} holds the primary, which does not replay`,
      replicas.length > 0 ? `name a replica’s region: ${replicas.join(', ')}` : 'this world has no replica',
    )
  },
  describe: ({ region }) => `pause replay on the replica in ${region}`,
  describeHealing: ({ region }) => `resume replay on the replica in ${region}`,
  async inject(context, beforeHealing) {
    const { target, fault, others } = context
    const release = await target.holdReplay(fault.region)
    let released: Promise<void> | undefined
    const letGo = () => {
      released ??= release()
      return released
    }
    const end = whileActive(context, checkIntervalMs, {
      // Replay may have been paused again after the other command resumed it.
      async healedElsewhere() {
        await letGo()
        await resumeUnlessHeld(target, fault.region, others())
      },
    })
    beforeHealing(() => {
      end()
      return letGo()
    })
  },
  heal: ({ target, fault, others }) => resumeUnlessHeld(target, fault.region, others()),
}

export const databaseFaults = { 'replay-paused': replayPaused }

const isReplayPaused = isKind<DatabaseFault>('replay-paused')

async function resumeUnlessHeld(
  target: FaultTarget,
  region: string,
  others: readonly FaultRecord[],
): Promise<void> {
  const held = others.some(({ fault }) => isReplayPaused(fault) && fault.region === region)
  if (!held) await target.resumeReplay(region)
}
