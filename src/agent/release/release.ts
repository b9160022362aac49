import { closeSync, fstatSync, openSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { appEnvironment } from '../../engines/app/render.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { StateStore } from '../coordination/store.ts'
import { folderVariable } from '../layout.ts'
import { logStartFile } from '../supervision/log-start.ts'
import type { AgentBase } from '../types.ts'
import { runExclusively } from './run.ts'
import type { ReleaseOutcome } from './state.ts'

/**
 * Runs the app's release command (migrations) once per run of the world, in the primary's region. No app instance
 * starts before it has succeeded. If the agent crashes or the primary is lost, the next primary's region runs the
 * command again, so it must be safe to repeat; two never run at the same time. A command that fails is not repeated:
 * the outcome stays until the next `up`.
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
  /** Resolves to the outcome; `interrupted` if the release must run again. */
  work: () => Promise<ReleaseOutcome | Interrupted>
  /** Whether to record an event. */
  eventful: boolean
  log: Pick<Logger, 'info' | 'warn' | 'error'>
  stopping: () => boolean
}

/** It is unknown how far the command got. */
type Interrupted = { kind: 'interrupted' }

const retryMs = 500

/**
 * Claims the release, runs it, and retries writing the outcome until it succeeds: every app of the world waits for it.
 */
export async function releaseOnce(once: ReleaseOnce): Promise<void> {
  const { store, run, log } = once
  try {
    if (!(await store.claimRelease(run))) return
    const end = await once.work()
    const outcome = end.kind === 'interrupted' ? undefined : end
    log.info({ ...end }, outcome ? 'release ended' : 'release was interrupted and will run again')
    while (!once.stopping()) {
      try {
        await store.settleRelease(run, outcome)
        break
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'could not write the outcome of the release yet')
        await sleep(retryMs)
      }
    }
    const { kind, ...detail } = end
    if (once.eventful) await store.record('release', { outcome: kind, ...detail })
  } catch (error) {
    log.error({ error: messageOf(error) }, 'could not run the release')
  }
}

/**
 * Runs the command under a lock in the database, which holds across regions and outlives this agent, as the command
 * does.
 */
async function work(
  agent: Pick<AgentBase, 'context' | 'launcher'>,
  command: string[],
): Promise<ReleaseOutcome | Interrupted> {
  const { context, launcher } = agent
  const { region, topology, secrets } = context
  const logFile = join(context.folder, 'log', 'release.log')
  const log = openSync(logFile, 'a', 0o600)
  try {
    await writeFile(logStartFile(context.folder, 'release'), String(fstatSync(log).size)).catch(
      () => undefined,
    )
    const end = await runExclusively({
      // Not the app's own database: a release may drop it, and terminate all sessions there.
      database: {
        host: region.address,
        port: topology.ports.postgres,
        user: 'monitor',
        password: secrets.monitor,
        database: 'postgres',
      },
      command: launcher.prepare('host', command, appEnvironment(context), context.appFolder),
      folder: context.folder,
      mark: { [folderVariable]: context.folder },
      log,
    })
    return end.kind === 'failed' ? { ...end, region: region.name, logFile } : end
  } finally {
    closeSync(log)
  }
}
