import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { unknown } from '../../lib/did-you-mean.ts'
import { NearsideError } from '../../lib/errors.ts'
import type { Region } from '../../topology/regions.ts'
import type { WorldHandle } from '../handle.ts'

export type LogFile = { region: string; process: string; file: string }

/**
 * The logs of these regions, or of one process in them. Names are compared with existing files and never become part of
 * a path.
 */
export function logFiles(
  world: Pick<WorldHandle, 'regionFolder' | 'record'>,
  regions: readonly Region[],
  process?: string,
): LogFile[] {
  const all = regions.flatMap(({ name }) => {
    const folder = join(world.regionFolder(name), 'log')
    return namesIn(folder).map((process) => ({ region: name, process, file: join(folder, `${process}.log`) }))
  })
  if (process === undefined) return all
  const found = all.filter((one) => one.process === process)
  if (found.length > 0 || all.length === 0) return found
  if (process === 'release') throw noRelease(world)
  return unknown('process', process, [...new Set(all.map((one) => one.process))])
}

/** Only the region that ran the command has its log. */
function noRelease({ record: { topology } }: Pick<WorldHandle, 'record'>): NearsideError {
  return topology.app.release === undefined
    ? new NearsideError('no_logs', 'release: the app has no release command', {
        remedy: 'set app.release in the topology to run one before instances start',
      })
    : new NearsideError('no_logs', 'release: the release command has left no log here', {
        remedy: 'it runs once, in the region of the primary: `nearside events` shows where',
      })
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
