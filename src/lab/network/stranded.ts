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
 * Ends what lives on in a network that has lost its name: a region whose namespace was removed under it cannot be
 * reached by anyone, and what is started anew lives elsewhere. As a power cut: nothing there could close in order.
 */
export async function endStranded(
  id: string,
  folder: string,
  regions: readonly Region[],
  note: Note,
): Promise<void> {
  const stranded = (region: Region) => {
    const number = numberOf(namespaceOf(id, region.index))
    return processesOf(folder, [{ name: region.name, folder: regionFolder(folder, region.name) }])
      .filter(({ pid }) => ![number, undefined].includes(numberOfProcess(pid)))
      .flatMap(({ pid }) => lookAt(pid) ?? [])
  }
  const cutOff = regions.filter((region) => stranded(region).length > 0)
  if (cutOff.length === 0) return
  const names = list(cutOff.map((region) => region.name))
  note(`${names}: what ran there had lost its network, and is started again`)
  await endAll(() => cutOff.flatMap(stranded), 0)
}
