import { regionFolder } from '../../agent/layout.ts'
import { numberOf, numberOfProcess } from '../../lab/network/enter.ts'
import { endAll } from '../../lab/network/inhabitants.ts'
import { namespaceOf } from '../../lab/network/names.ts'
import { lookAt } from '../../lib/proc.ts'
import type { Region } from '../../topology/regions.ts'
import { list } from '../format.ts'
import type { Output } from '../output.ts'
import { residentsOf } from '../residents.ts'

/**
 * Ends what lives on in a network that has lost its name: a region whose namespace was removed under it cannot be
 * reached by anyone, and what is started anew lives elsewhere. As a power cut: nothing there could close in order.
 */
export async function endStranded(
  id: string,
  folder: string,
  regions: readonly Region[],
  output: Output,
): Promise<void> {
  const stranded = (region: Region) => {
    const number = numberOf(namespaceOf(id, region.index))
    return residentsOf(folder, [{ name: region.name, folder: regionFolder(folder, region.name) }])
      .filter(({ pid }) => ![number, undefined].includes(numberOfProcess(pid)))
      .flatMap(({ pid }) => lookAt(pid) ?? [])
  }
  const cutOff = regions.filter((region) => stranded(region).length > 0)
  if (cutOff.length === 0) return
  const names = list(cutOff.map((region) => region.name))
  output.note(`${names}: what ran there had lost its network, and is started again`)
  await endAll(() => cutOff.flatMap(stranded), 0)
}
