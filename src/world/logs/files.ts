import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { unknown } from '../../lib/did-you-mean.ts'
import type { Region } from '../../topology/regions.ts'
import type { WorldHandle } from '../handle.ts'

export type LogFile = { region: string; process: string; file: string }

/**
 * The logs of these regions, or of one process in them. Names are compared with existing files and never become part of
 * a path.
 */
export function logFiles(
  world: Pick<WorldHandle, 'regionFolder'>,
  regions: readonly Region[],
  process?: string,
): LogFile[] {
  const all = regions.flatMap(({ name }) => {
    const folder = join(world.regionFolder(name), 'log')
    return namesIn(folder).map((process) => ({ region: name, process, file: join(folder, `${process}.log`) }))
  })
  if (process === undefined) return all
  const found = all.filter((one) => one.process === process)
  return found.length > 0 ? found : unknown('process', process, [...new Set(all.map((one) => one.process))])
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => name.slice(0, -'.log'.length))
      .sort()
  } catch {
    return []
  }
}
