import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { shownPath } from '../lib/format.ts'
import { findLab, findWorld, type WorldOptions } from './find.ts'
import type { WorldHandle } from './handle.ts'

/**
 * A command that can be pasted: with the launcher and the options that select this world from here. A lab has its own
 * `up` and `down`.
 */
export function hint(
  world: Pick<WorldHandle, 'folder' | 'record' | 'name'>,
  command: string,
  { env = process.env, cwd = process.cwd() }: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): string {
  const launcher = env.NEARSIDE_COMMAND
  const typed = launcher && !onPath(launcher, env) ? launcher : 'nearside'
  const words = command.split(' ')
  if (world.record.lab !== undefined && ['up', 'down'].includes(words[0]!)) words.unshift('lab')
  const find = words[0] === 'lab' ? findLab : findWorld
  const name = words.splice(0, words[0] === 'lab' ? 2 : 1).join(' ')
  const isFoundBy = foundBy(find, cwd, world.folder)
  const options = isFoundBy({})
    ? []
    : isFoundBy({ topology: world.record.topologyFile })
      ? ['-t', shownPath(world.record.topologyFile, cwd)]
      : ['-t', shownPath(world.record.topologyFile, cwd), '-w', world.name]
  return [shellWord(typed), name, ...options.map(shellWord), ...words].join(' ')
}

const shellWord = (word: string) =>
  /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

const foundBy = (find: typeof findLab, cwd: string, folder: string) => (options: WorldOptions) => {
  try {
    return find(options, cwd) === folder
  } catch {
    return false
  }
}

/** Called as `nearside` through PATH; the shell then passes the full path. */
const onPath = (launcher: string, env: NodeJS.ProcessEnv) =>
  basename(launcher) === 'nearside' &&
  (env.PATH ?? '').split(':').some((folder) => `${folder}/nearside` === launcher && existsSync(launcher))
