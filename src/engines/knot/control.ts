import { copyFile, link, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, type Server } from './ask.ts'
import { type KnotMap, markName } from './map.ts'
import { markOf, readMark, writeMapFile } from './map-file.ts'
import { type Probe, sampleProbes } from './probes.ts'
import { knotPaths } from './render.ts'

/** Runs a program of the engine root like Knot: in the sandbox, in the region's folder. */
export type RunEngine = (command: string[]) => Promise<{ code: number | null; output: string }>

type KnotControlOptions = {
  /** The topology's domain, which is also the zone. */
  domain: string
  /** The region's folder, absolute. */
  folder: string
  server: Server
  run: RunEngine
  /** Time within which the new map must be in use after a reload. */
  reloadTimeoutMs?: number
}

/** `mark` is a hash of the map's content, which the map itself contains as a TXT record. */
export type ApplyResult =
  /** The server answers from the new map. */
  | { kind: 'applied'; mark: string }
  /** The map was already on disk and in use. */
  | { kind: 'unchanged'; mark: string }
  /** The map is valid and on disk, but Knot is not running; it loads the map when it starts. */
  | { kind: 'stored'; mark: string }
  /** The map is not used. The last good map is back on disk, and in use if `restored`. */
  | { kind: 'refused'; stage: 'check' | 'reload' | 'probe'; detail: string; restored: boolean }

export type KnotControl = {
  /** Calls run one after another. Throws only for failures that are not the map's, such as a full disk. */
  apply(map: KnotMap): Promise<ApplyResult>
  /** Mark of the map in use: `initial`, `none` (no map at all), or that of an `ApplyResult`. */
  liveMark(): Promise<string | undefined>
}

/**
 * Loads maps into a running Knot.
 *
 * Three pitfalls: `zone-reload` without force does not read the map again; a forced one may report OK for a broken or
 * missing map and then serve the zone's defaults; and an empty or truncated map is valid. So every map is checked
 * before it replaces the old one. Afterwards, queries verify which map the server has loaded (the mark) and what it
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

  /** Resolves to the error, or to undefined once the map with this mark is in use. */
  const reload = async (mark: string): Promise<string | undefined> => {
    const { code, output } = await run(['knotc', '-c', knotPaths.config, '-f', 'zone-reload', domain])
    if (code !== 0) return output
    const deadline = performance.now() + reloadTimeoutMs
    for (;;) {
      const seen = await liveMark()
      if (seen === mark) return undefined
      if (performance.now() > deadline)
        return seen === undefined
          ? `the server does not answer; expected map ${mark}`
          : `the server answers from map ${seen}, expected map ${mark}`
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

    // A full disk must not keep a lost region in the answers: the space of the previous map is there for the next one.
    await rm(path.previous, { force: true })
    await writeMapFile(path.candidate, map, mark).catch(async (error) => {
      await rm(path.candidate, { force: true })
      throw error
    })
    const { code, output } = await run(['knotc', '-c', knotPaths.candidateConfig, 'conf-check'])
    if (code !== 0) return { kind: 'refused', stage: 'check', detail: output, restored: before !== undefined }

    // A link takes no space. The map's file is replaced below and never written to, so it stays the last good one.
    if (stored === undefined) await copyFile(path.initial, path.previous)
    else await link(path.map, path.previous)
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

/** Describes the first wrong answer; undefined when all answers are right. */
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
      return `expected ${wanted} for /${subnet.length} for an IPv${subnet.family} network, got ${got}`
    }
  }
  return undefined
}
