import { createHash } from 'node:crypto'
import { copyFile, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { ask, type Server } from './ask.ts'
import { type KnotMap, markMap, markName, renderMap } from './map.ts'
import { type Probe, sampleProbes } from './probes.ts'
import { knotPaths } from './render.ts'

/** Runs a program of the engine root as Knot runs: in the sandbox, in the region's folder. */
export type RunEngine = (command: string[]) => Promise<{ code: number | null; output: string }>

export type KnotControlOptions = {
  /** The region's folder, absolute. */
  folder: string
  server: Server
  run: RunEngine
  /** How long a reload may take until the new map answers. A map of 200,000 prefixes takes about 2 s. */
  reloadTimeoutMs?: number
}

export type ApplyResult =
  /** The new map answers. */
  | { kind: 'applied'; mark: string; prefixes: number }
  /** It was already there, on disk and in the server. */
  | { kind: 'unchanged'; mark: string }
  /** Sound and on disk, but Knot is not running: it takes the map when it starts. */
  | { kind: 'stored'; mark: string }
  /** Not used. The last good map is on disk; `restored` when it also answers. */
  | { kind: 'refused'; stage: 'check' | 'reload' | 'probe'; detail: string; restored: boolean }

export type KnotControl = {
  /** Calls are made one after another. Never throws on a bad map; throws on a full disk and the like. */
  apply(map: KnotMap): Promise<ApplyResult>
  /** As `apply`, for a map that is already text. */
  applyText(domain: string, text: string, probes?: readonly Probe[]): Promise<ApplyResult>
}

/**
 * Puts maps into a running Knot.
 *
 * Three things have to be distrusted: `zone-reload` without force does not read the map again; a forced one with a
 * broken or missing map says OK and serves the zone's defaults; an empty or truncated map is valid. So a map is
 * checked before it takes its place, and afterwards the server is asked which map it has (the mark) and what it
 * answers for prefixes of every answer.
 */
export function createKnotControl(options: KnotControlOptions): KnotControl {
  const { folder, server, run, reloadTimeoutMs = 10_000 } = options
  const at = (path: string) => join(folder, path)
  let queue: Promise<unknown> = Promise.resolve()

  const liveMark = async (domain: string, timeoutMs: number): Promise<string | undefined> => {
    const reply = await ask(server, { name: markName(domain), type: 'TXT' }, timeoutMs)
    return reply?.records[0]?.data.replace(/^map=/, '')
  }

  /** Resolves to what is wrong, or to undefined when the map with the mark answers. */
  const reload = async (domain: string, mark: string): Promise<string | undefined> => {
    const { code, output } = await run(['knotc', '-c', knotPaths.config, '-f', 'zone-reload', domain])
    if (code !== 0) return output
    const deadline = performance.now() + reloadTimeoutMs
    let seen: string | undefined
    do {
      seen = await liveMark(domain, 500)
      if (seen === mark) return undefined
      await new Promise((resolve) => setTimeout(resolve, 20))
    } while (performance.now() < deadline)
    return `after the reload the server has the map ${seen ?? '(no answer)'} and not ${mark}`
  }

  const probe = async (domain: string, probes: readonly Probe[]): Promise<string | undefined> => {
    for (const { subnet, addresses } of probes) {
      const reply = await ask(server, { name: domain, type: 'A', subnet })
      const seen = reply?.records.map((record) => record.data).sort()
      const wanted = [...addresses].sort()
      if (seen?.join() !== wanted.join() || reply?.scope !== subnet.length) {
        return `${subnet.family === 4 ? 'IPv4' : 'IPv6'} probe: wanted ${wanted} for /${subnet.length}, got ${seen ?? 'no answer'} for /${reply?.scope}`
      }
    }
    return undefined
  }

  const restore = async (domain: string): Promise<boolean> => {
    await rename(at(knotPaths.previousMap), at(knotPaths.map))
    const mark = markOf(await readFile(at(knotPaths.map), 'utf8'))
    return mark !== undefined && (await reload(domain, mark)) === undefined
  }

  const applyText = async (domain: string, text: string, probes: readonly Probe[] = []) => {
    const mark = createHash('sha256').update(text).digest('hex').slice(0, 16)
    const before = await liveMark(domain, 1000)
    const stored = await readFile(at(knotPaths.map), 'utf8').catch(() => '')
    if (before === mark && markOf(stored) === mark) return { kind: 'unchanged', mark } as const

    await writeDurably(at(knotPaths.candidateMap), markMap(domain, text, mark))
    const check = await run(['knotc', '-c', knotPaths.candidateConfig, 'conf-check'])
    if (check.code !== 0) {
      return {
        kind: 'refused',
        stage: 'check',
        detail: check.output,
        restored: before !== undefined,
      } as const
    }
    const lastGood = markOf(stored) === undefined ? at(knotPaths.initialMap) : at(knotPaths.map)
    await copyFile(lastGood, at(knotPaths.previousMap))
    await rename(at(knotPaths.candidateMap), at(knotPaths.map))
    if (before === undefined && (await liveMark(domain, 1000)) === undefined) {
      return { kind: 'stored', mark } as const
    }
    const wrongReload = await reload(domain, mark)
    const wrong = wrongReload ?? (await probe(domain, probes))
    if (wrong === undefined) return { kind: 'applied', mark, prefixes: countNets(text) } as const
    const stage = wrongReload === undefined ? 'probe' : 'reload'
    return { kind: 'refused', stage, detail: wrong, restored: await restore(domain) } as const
  }

  const enqueue = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work)
    queue = result.catch(() => {})
    return result
  }
  return {
    apply: (map) => enqueue(() => applyText(map.domain, renderMap(map), sampleProbes(map))),
    applyText: (domain, text, probes) => enqueue(() => applyText(domain, text, probes)),
  }
}

/** The mark in a map's last line; undefined when the map is cut short. */
function markOf(text: string): string | undefined {
  return /TXT: "map=([0-9a-z]+)"\n$/.exec(text.slice(-80))?.[1]
}

function countNets(text: string): number {
  return text.split('- net:').length - 1
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o644)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
