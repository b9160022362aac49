import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { appEnvironment } from '../../engines/app/render.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { StateStore } from '../coordination/store.ts'
import { folderVariable } from '../layout.ts'
import type { AgentBase } from '../types.ts'
import { runAlone } from './run.ts'
import type { ReleaseOutcome } from './state.ts'

/**
 * Runs the app's release command (migrations) once for this run of the world, in the region that holds the primary;
 * the app starts nowhere before it has ended well. A release whose agent died, or that lost the primary, is run again
 * by whoever holds the primary next, which is why the command must be safe to repeat; two never run at once. One that
 * fails is not repeated: the outcome stands until the next `up`.
 */
export async function release(agent: AgentBase): Promise<void> {
  const { record, store, log } = agent
  const command = record.topology.app.release
  await releaseOnce({
    store,
    run: record.run,
    work: async () => (command ? work(agent, command) : { kind: 'ok' }),
    eventful: command !== undefined,
    log,
    stopping: () => agent.stopping,
  })
}

type ReleaseOnce = {
  store: Pick<StateStore, 'claimRelease' | 'settleRelease' | 'record'>
  run: string
  /** Resolves to the outcome; `interrupted` when it has to be run again. */
  work: () => Promise<ReleaseOutcome | Interrupted>
  /** It is worth an event. */
  eventful: boolean
  log: Pick<Logger, 'info' | 'warn' | 'error'>
  stopping: () => boolean
}

/** Nobody knows how far it came. */
type Interrupted = { kind: 'interrupted' }

const againMs = 500

/** Claims, works, and says what came of it until that is heard: every app of the world waits for it. */
export async function releaseOnce(once: ReleaseOnce): Promise<void> {
  const { store, run, log } = once
  try {
    if (!(await store.claimRelease(run))) return
    const end = await once.work()
    const outcome = end.kind === 'interrupted' ? undefined : end
    log.info({ ...end }, outcome ? 'release ended' : 'release was interrupted, and will be run again')
    while (!once.stopping()) {
      try {
        await store.settleRelease(run, outcome)
        break
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'the outcome of the release is not written yet')
        await sleep(againMs)
      }
    }
    const { kind, ...detail } = end
    if (once.eventful) await store.record('release', { outcome: kind, ...detail })
  } catch (error) {
    log.error({ error: messageOf(error) }, 'release')
  }
}

/** Under a lock in the database itself, so that it holds across regions and outlives this agent with the command. */
async function work(
  agent: Pick<AgentBase, 'context' | 'launcher'>,
  command: string[],
): Promise<ReleaseOutcome | Interrupted> {
  const { context, launcher } = agent
  const { region, topology, secrets } = context
  const logFile = join(context.folder, 'log', 'release.log')
  const log = openSync(logFile, 'a', 0o600)
  try {
    const end = await runAlone({
      // Not the app's own database: a release may drop that, and end everybody's sessions there.
      database: {
        host: region.address,
        port: topology.ports.postgres,
        user: 'monitor',
        password: secrets.monitor,
        database: 'postgres',
      },
      command: launcher.dress('host', command, appEnvironment(context), context.appFolder),
      folder: context.folder,
      mark: { [folderVariable]: context.folder },
      log,
    })
    return end.kind === 'failed' ? { ...end, region: region.name, logFile } : end
  } finally {
    closeSync(log)
  }
}
