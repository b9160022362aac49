import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { appEnvironment } from '../engines/app/render.ts'
import { messageOf } from '../lib/errors.ts'
import type { Agent } from './agent.ts'

/**
 * Runs the app's release command (migrations) once for this run of the world, in the region that holds the primary;
 * the app starts nowhere before it has ended well. A release whose agent died is run again by the next one, which is
 * why the command must be safe to repeat. One that fails is not repeated: the outcome stands until the next `up`.
 */
export async function release(agent: Agent): Promise<void> {
  const { shared, record, options } = agent
  const command = record.topology.app.release
  try {
    if (!(await shared.claimRelease(record.run))) return
    const outcome = command ? await run(agent, command) : 'ok'
    await shared.setRelease(record.run, outcome)
    options.log.info({ outcome }, 'release')
    if (command) await shared.record('release', { outcome })
  } catch (error) {
    options.log.error({ error: messageOf(error) }, 'release')
  }
}

function run(agent: Agent, command: string[]): Promise<string> {
  const { context, launcher } = agent
  const { file, args, env, cwd } = launcher.dress('host', command, appEnvironment(context), context.appFolder)
  const logFile = join(context.folder, 'log', 'release.log')
  const log = openSync(logFile, 'a', 0o600)
  return new Promise<string>((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', log, log] })
    child.on('error', (error) => resolve(`failed: ${error.message}`))
    child.on('close', (code, signal) =>
      resolve(code === 0 ? 'ok' : `failed: ${signal ?? `exit ${code}`}, see ${logFile}`),
    )
  }).finally(() => closeSync(log))
}
