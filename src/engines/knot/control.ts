import { copyFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, type Server } from './ask.ts'
import { type KnotMap, markName } from './map.ts'
import { markOf, readMark, writeMapFile } from './map-file.ts'
import { type Probe, sampleProbes } from './probes.ts'
import { knotPaths } from './render.ts'

/** Runs a program of the engine root as Knot runs: in the sandbox, in the region's folder. */
export type RunEngine = (command: string[]) => Promise<{ code: number | null; output: string }>

type KnotControlOptions = {
  /** The topology's; the zone is the same. */
  domain: string
  /** The region's folder, absolute. */
  folder: string
  server: Server
  run: RunEngine
  /** How long a reload may take until the new map answers. */
  reloadTimeoutMs?: number
}

export type ApplyResult =
  /** The new map answers. */
  | { kind: 'applied'; mark: string }
  /** It was already there, on disk and in the server. */
  | { kind: 'unchanged'; mark: string }
  /** Sound and on disk, but Knot is not running: it takes the map when it starts. */
  | { kind: 'stored'; mark: string }
  /** Not used. The last good map is on disk; `restored` when it also answers. */
  | { kind: 'refused'; stage: 'check' | 'reload' | 'probe'; detail: string; restored: boolean }

export type KnotControl = {
  /** Calls are carried out one after another. Throws only on what is not about the map, such as a full disk. */
  apply(map: KnotMap): Promise<ApplyResult>
  /** The mark of the map that the server answers from: `initial`, `none` (no map at all), or `ApplyResult`'s. */
  liveMark(): Promise<string | undefined>
}

/**
 * Puts maps into a running Knot.
 *
 * Three things have to be distrusted: `zone-reload` without force does not read the map again; a forced one whose map
 * is broken or missing may say OK and serve the zone's defaults; an empty or truncated map is valid. So a map is
 * checked before it takes its place, and afterwards the server is asked which map it has (the mark) and what it
 * answers for prefixes of every answer.
 */
export function createKnotControl(options: KnotControlOptions): KnotControl {
  const { domain, folder, server, run, reloadTimeoutMs = 15_000 } = options
  const path = {
    map: join(folder, knotPaths.map),
    candidate: join(folder, knotPaths.candidateMap),
    previous: join(folder, knotPaths.previousMap),
    initial: join(folder, knotPaths.initialMap),
  }

  const liveMark = async (): Promise<string | undefined> => {
    const reply = await ask(server, { name: markName(domain), type: 'TXT' })
    return reply?.records[0]?.data.replace(/^map=/, '')
  }

  /** Resolves to what is wrong, or to undefined when the map with the mark answers. */
  const reload = async (mark: string): Promise<string | undefined> => {
    const { code, output } = await run(['knotc', '-c', knotPaths.config, '-f', 'zone-reload', domain])
    if (code !== 0) return output
    const deadline = performance.now() + reloadTimeoutMs
    for (;;) {
      const seen = await liveMark()
      if (seen === mark) return undefined
      if (performance.now() > deadline)
        return `the server answers from map ${seen ?? '(no answer)'}, not ${mark}`
      await delay(20)
    }
  }

  const restore = async (): Promise<boolean> => {
    const mark = await readMark(path.previous)
    await rename(path.previous, path.map)
    return mark !== undefined && (await reload(mark)) === undefined
  }

  const apply = async (map: KnotMap): Promise<ApplyResult> => {
    const mark = markOf(map)
    const [before, stored] = await Promise.all([liveMark(), readMark(path.map)])
    if (stored === mark && before === mark) return { kind: 'unchanged', mark }
    if (stored === mark && before === undefined) return { kind: 'stored', mark }

    await writeMapFile(path.candidate, map, mark)
    const { code, output } = await run(['knotc', '-c', knotPaths.candidateConfig, 'conf-check'])
    if (code !== 0) return { kind: 'refused', stage: 'check', detail: output, restored: before !== undefined }

    await copyFile(stored === undefined ? path.initial : path.map, path.previous)
    await rename(path.candidate, path.map)
    if (before === undefined && (await liveMark()) === undefined) return { kind: 'stored', mark }

    const notLoaded = await reload(mark)
    const detail = notLoaded ?? (await firstWrong(server, domain, sampleProbes(map)))
    if (detail === undefined) return { kind: 'applied', mark }
    const stage = notLoaded === undefined ? 'probe' : 'reload'
    return { kind: 'refused', stage, detail, restored: await restore() }
  }

  let last: Promise<unknown> = Promise.resolve()
  return {
    liveMark,
    apply(map) {
      const result = last.then(() => apply(map))
      last = result.catch(() => {})
      return result
    },
  }
}

/** What the first wrong answer is; undefined when all are right. */
async function firstWrong(
  server: Server,
  domain: string,
  probes: readonly Probe[],
): Promise<string | undefined> {
  for (const { subnet, addresses } of probes) {
    const reply = await ask(server, { name: domain, type: 'A', subnet })
    const seen = reply?.records.map((record) => record.data).sort()
    const wanted = [...addresses].sort()
    if (seen?.join() !== wanted.join() || reply?.scope !== subnet.length) {
      const got = seen === undefined ? 'no answer' : `${seen} for /${reply?.scope}`
      return `an IPv${subnet.family} network must get ${wanted} for /${subnet.length}, got ${got}`
    }
  }
  return undefined
}
