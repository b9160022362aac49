import { existsSync } from 'node:fs'
import { readWorld } from '../../agent/layout.ts'
import { NearsideError } from '../../lib/errors.ts'
import { count, list } from '../../lib/format.ts'
import { noNote } from '../../lib/note.ts'
import { type Region, regionsOf } from '../../topology/regions.ts'
import { type Finding, ok } from '../../world/doctor/finding.ts'
import { handleOf } from '../../world/handle.ts'
import { locked } from '../../world/lock.ts'
import { namespaceOf, namespacesOf } from '../../world/namespaces/names.ts'
import { worldName } from '../../world/origin.ts'
import { processesOf } from '../../world/processes.ts'
import { placeOf } from '../../world/stop.ts'
import { removeLab } from '../lab.ts'
import { lackOf } from '../network/abilities.ts'
import { processesIn } from '../network/processes.ts'
import { labFolder, labIds, worldFolderOf } from '../network/registry.ts'
import { labNamespaces } from '../network/remove.ts'
import { connectShaper } from '../wan/index.ts'

/** The parts of a lab on this machine. */
export type LabHere = {
  id: string
  /** The folder of its world, if known. */
  folder: string | undefined
  /** `gone`: the folder no longer exists. `none`: the folder has no world (yet). `dead`: no process of it runs. */
  world: 'gone' | 'none' | 'dead' | 'runs'
  namespaces: number
  /** Processes in its namespaces. */
  processes: number
  /** Parts of the network that a running world lacks. */
  missing: string[]
}

export async function labFindings(): Promise<Finding[]> {
  const lack = await lackOf()
  if (lack) return [ok('labs', `not available here (not needed otherwise): a lab needs ${lack.what}`)]
  const labs = await Promise.all(labIds().map(labHere))
  // Skip a lab that was removed in the meantime.
  return evaluateLabs(
    labs.filter((lab) => lab.folder !== undefined || lab.namespaces > 0),
    clean,
  )
}

async function labHere(id: string): Promise<LabHere> {
  const namespaces = labNamespaces(id)
  const folder = worldFolderOf(id)
  const here = { id, folder, namespaces: namespaces.length, processes: processesIn(namespaces).length }
  if (folder === undefined || !existsSync(folder)) return { ...here, world: 'gone', missing: [] }
  const record = await readWorld(folder).catch(() => undefined)
  if (record?.lab?.id !== id) return { ...here, world: 'none', missing: [] }
  const world = handleOf(folder, record, {} as never)
  const places = world.regions.map((region) => placeOf(world, region))
  if (processesOf(folder, places).length === 0) return { ...here, world: 'dead', missing: [] }
  return { ...here, world: 'runs', missing: await missingOf(id, regionsOf(record.topology), namespaces) }
}

async function missingOf(
  id: string,
  regions: readonly Region[],
  namespaces: readonly string[],
): Promise<string[]> {
  const wanted = namespacesOf(
    id,
    regions.map((region) => region.index),
  )
  const placeOfName = (name: string) =>
    regions.find((region) => namespaceOf(id, region.index) === name)?.name ?? name.split('-').at(-1)!
  const shaper = await connectShaper(labFolder(id)).catch(() => undefined)
  shaper?.close()
  return [
    ...wanted
      .filter((name) => !namespaces.includes(name))
      .map((name) => `the network of ${placeOfName(name)}`),
    ...(shaper ? [] : ['the shaper']),
  ]
}

/** Removes it under the world lock, after checking again: it may have been started since. */
async function clean({ id, folder }: LabHere): Promise<void> {
  const remove = async () => {
    if ((await labHere(id)).world === 'runs')
      throw new NearsideError('lab_runs', 'the lab was started in the meantime')
    await removeLab(id)
  }
  if (folder === undefined || !existsSync(folder)) return remove()
  await locked(folder, 'doctor', noNote, remove)
}

/** Pure. */
export function evaluateLabs(labs: readonly LabHere[], clean: (lab: LabHere) => Promise<void>): Finding[] {
  const findings = labs.flatMap((lab): Finding[] => {
    const whose = lab.folder === undefined ? `lab ${lab.id}` : `the lab ${worldName(lab.folder)}`
    if (lab.world === 'runs') {
      if (lab.missing.length === 0) return []
      return [
        {
          check: 'labs',
          state: 'problem',
          message: `${whose} runs without ${list(lab.missing)}`,
          remedy: 'run `nearside lab up` in the folder of its topology file to restore it',
        },
      ]
    }
    const has = [
      ...(lab.namespaces > 0 ? [count(lab.namespaces, 'network namespace')] : []),
      ...(lab.processes > 0 ? [count(lab.processes, 'process', 'processes')] : []),
    ]
    const what = `${has.length > 0 ? list(has) : 'a folder in /run'} of ${whose}`
    const why: Record<typeof lab.world, string> = {
      gone: 'whose world is gone',
      none: 'which was never started, or is just being created',
      dead: 'which has no running process',
    }
    return [
      {
        check: 'labs',
        state: lab.world === 'gone' ? 'problem' : 'warning',
        message: `${what}, ${why[lab.world]}`,
        remedy: `run \`nearside doctor --fix\` to remove them${lab.world === 'gone' ? '' : ', or `nearside lab up` to use them again'}`,
        fix: { what: `remove ${what}`, run: () => clean(lab) },
      },
    ]
  })
  if (findings.length > 0) return findings
  return [ok('labs', labs.length === 0 ? 'none on this machine' : `${count(labs.length, 'lab')}, complete`)]
}
