import { dirname, resolve } from 'node:path'
import { messageOf } from '../lib/errors.ts'
import { validate } from './checks.ts'
import { checkFiles } from './files.ts'
import { fail, findTopology, readTopology, yamlExtensions } from './find.ts'
import { checkMemory } from './machine.ts'
import { checkPorts, type PortLimits, portLimits } from './machine-ports.ts'
import { importTopology } from './module.ts'
import { type Finding, type Problem, pathText, TopologyError, toProblem } from './problems.ts'
import type { Topology } from './schema.ts'
import { parseYaml } from './yaml.ts'

export type LoadedTopology = {
  topology: Topology
  /** Absolute paths: the topology file, its folder, and the app's working directory. */
  file: string
  folder: string
  appFolder: string
  /** Values that are valid but probably unintended, to be shown to the operator. */
  warnings: Problem[]
}

type LoadOptions = {
  /** false: check only the topology file itself, because the app is on other machines. */
  files?: boolean
  /** false: a GeoIP database that cannot be used is a warning, because a world must come up without it. */
  needsGeoip?: boolean
  /** Search path for programs; default: this process's PATH. */
  path?: string
  /** Memory to compare the topology with; default: this machine's. */
  memoryBytes?: number
  /** What ports a world may bind; default: what this machine and user allow. */
  ports?: PortLimits
  /** How long a topology's code may await, so a promise that never settles cannot hang a command. Default 10,000. */
  timeoutMs?: number
}

/**
 * Finds, reads and checks a topology. Throws nothing but a TopologyError, which lists every problem at once. TypeScript
 * and JavaScript topologies are executed, with the rights of this process.
 */
export async function loadTopology(pathOrFolder = '.', options: LoadOptions = {}): Promise<LoadedTopology> {
  const file = await findTopology(pathOrFolder)
  const { text, extension } = await readTopology(file)
  const source = yamlExtensions.includes(extension)
    ? parseYaml(file, text)
    : await importTopology(file, text, options.timeoutMs ?? 10_000)
  const folder = dirname(file)

  const checked = await (async () => {
    try {
      return validate(source.value)
    } catch (error) {
      // A getter or proxy in a topology's code can throw on any access.
      fail(
        'topology_syntax',
        file,
        `failed while being read: ${messageOf(error).split('\n')[0]}`,
        'use plain values',
        error,
      )
    }
  })()
  const { readable, problems, warnings } = checked
  const appFolder = resolve(folder, readable?.topology.app.folder ?? '.')
  if (readable && options.files !== false) {
    const usable = (path: string) => {
      const refused = readable.bad.map(pathText)
      return !refused.some((bad) => bad === path || path.startsWith(`${bad}.`))
    }
    const place = { folder, appFolder, path: options.path ?? process.env.PATH ?? '' }
    const disk = appFolder.includes('\0')
      ? { problems: [], warnings: [] }
      : await checkFiles(readable.topology, place, usable)
    const isOptional = (finding: Finding) =>
      options.needsGeoip === false && finding.at[0] === 'steering' && finding.at[1] === 'geoip'
    problems.push(...disk.problems.filter((finding) => !isOptional(finding)))
    warnings.push(...disk.warnings, ...disk.problems.filter(isOptional).map(withoutGeoip))
    if (checked.topology) {
      warnings.push(...checkMemory(checked.topology, options.memoryBytes))
      const ports = checkPorts(checked.topology, options.ports ?? portLimits())
      problems.push(...ports.problems)
      warnings.push(...ports.warnings)
    }
  }
  const shown = problems.map((finding) => toProblem(finding, source.locate))
  shown.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  if (shown.length > 0 || !checked.topology) {
    const only = problems.length === 1 ? problems[0]!.code : undefined
    throw new TopologyError(only ?? 'topology_invalid', file, shown)
  }
  return {
    topology: checked.topology,
    file,
    folder,
    appFolder,
    warnings: warnings.map((finding) => toProblem(finding, source.locate)),
  }
}

const withoutGeoip = (finding: Finding): Finding => ({
  ...finding,
  message: `${finding.message}; DNS steers by the last good table, or sends everyone to the first healthy region`,
})
