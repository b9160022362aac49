import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { shownPath } from './output.ts'
import { findWorld, type WorldHandle } from './world.ts'

/**
 * A command that can be typed as it stands: with the launcher and the options that this world needs from here. A lab
 * has an `up` and a `down` of its own.
 */
export function hint(
  world: Pick<WorldHandle, 'folder' | 'record' | 'name'>,
  command: string,
  { env = process.env, cwd = process.cwd() }: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): string {
  const launcher = env.NEARSIDE_COMMAND
  const typed = launcher && !onPath(launcher, env) ? launcher : 'nearside'
  const words = command.split(' ')
  const lab = world.record.lab !== undefined && ['up', 'down'].includes(words[0]!)
  const [name, ...rest] = lab ? [`lab ${words[0]}`, ...words.slice(1)] : words
  const options = isFoundBy({}, cwd, world.folder)
    ? []
    : isFoundBy({ topology: world.record.topologyFile }, cwd, world.folder)
      ? ['-t', shownPath(world.record.topologyFile, cwd)]
      : ['-t', shownPath(world.record.topologyFile, cwd), '-w', world.name]
  return [typed, name, ...options, ...rest].join(' ')
}

function isFoundBy(options: { topology?: string }, cwd: string, folder: string): boolean {
  try {
    return findWorld(options, cwd) === folder
  } catch {
    return false
  }
}

/** Typed as `nearside` and found on the PATH: the shell hands on the whole path then. */
const onPath = (launcher: string, env: NodeJS.ProcessEnv) =>
  basename(launcher) === 'nearside' &&
  (env.PATH ?? '').split(':').some((folder) => `${folder}/nearside` === launcher && existsSync(launcher))
