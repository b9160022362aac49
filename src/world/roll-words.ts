import { list } from '../lib/format.ts'
import type { Change } from './changes.ts'

/** Says what rolling a changed topology out does to processes, to follow the changed paths. Pure. */
export function rollWords({ restarts, reloads, removed, added }: Extract<Change, { kind: 'live' }>): string {
  const said = (verb: string, by: Record<string, string[]>) => {
    const some = Object.entries(by).filter(([, names]) => names.length > 0)
    const what = some.map(([region, names]) => `${list(names)} in ${region}`).join('; ')
    return some.length === 0 ? [] : [`${verb} ${what}`]
  }
  const all = [
    ...said('stops', removed),
    ...said('starts', added),
    ...said('restarts', restarts),
    ...said('reloads', reloads),
  ]
  if (all.length === 0) return 'only the agents restart'
  return `one region after another, this ${all.join(', and ')}`
}
