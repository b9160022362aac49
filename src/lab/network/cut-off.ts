import { regionFolder } from '../../agent/layout.ts'
import { list } from '../../lib/format.ts'
import type { Note } from '../../lib/note.ts'
import { lookAt } from '../../lib/proc.ts'
import type { Region } from '../../topology/regions.ts'
import { numberOf, numberOfProcess } from '../../world/namespaces/enter.ts'
import { namespaceOf } from '../../world/namespaces/names.ts'
import { processesOf } from '../../world/processes.ts'
import { endAll } from './processes.ts'

/**
 * Kills processes whose network namespace has lost its name. If a region's namespace is removed while the region runs,
 * nothing can reach the region, and a restart uses a new namespace. Cut-off processes cannot shut down cleanly, so this
 * is like a power failure.
 */
export async function killCutOff(
  id: string,
  folder: string,
  regions: readonly Region[],
  note: Note,
): Promise<void> {
  const cutOffIn = (region: Region) => {
    const number = numberOf(namespaceOf(id, region.index))
    return processesOf(folder, [{ name: region.name, folder: regionFolder(folder, region.name) }])
      .filter(({ pid }) => ![number, undefined].includes(numberOfProcess(pid)))
      .flatMap(({ pid }) => lookAt(pid) ?? [])
  }
  const cutOff = regions.filter((region) => cutOffIn(region).length > 0)
  if (cutOff.length === 0) return
  const names = list(cutOff.map((region) => region.name))
  note(`${names}: processes had lost their network and are restarted`)
  await endAll(() => cutOff.flatMap(cutOffIn), 0)
}
