import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import example from '../../../examples/shop/nearside.config.ts'
import { promisesOf } from '../../lab/checker/index.ts'
import { runDrill } from '../../lab/drill/run.ts'
import { settleLimitMs } from '../../lab/drill/scenarios.ts'
import { chapterPlan, replayCommand } from '../../lab/drill/soak.ts'
import { resultText } from '../../lab/drill/text.ts'
import type { DrillResult } from '../../lab/drill/types.ts'
import { sayFault } from '../../lab/faults/say.ts'
import { saveHistory } from '../../lab/history-file.ts'
import { mustBeAble } from '../../lab/network/abilities.ts'
import { NearsideError } from '../../lib/errors.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { duration } from '../format.ts'
import { onInterrupt } from '../interrupt.ts'
import {
  faultHands,
  healLeftFaults,
  rehearsalGround,
  rehearsedWorld,
  startGuard,
} from '../lab/fault-world.ts'
import { createOutput, exitCodes, type Output, printError } from '../output.ts'
import { rehearse } from './turn.ts'
import { drillWorldOf, workloadsOf } from './world.ts'

const help = `Random faults one after another and overlapping, with load and checks all along.

  npm run soak -- --minutes 30 --seed 7          the example shop on this machine’s own addresses
  npm run soak -- --minutes 30 --lab             in a lab, so that the network can break, too (root)
  npm run soak -- --seed 7 --chapter 3           one chapter of that run again

  --minutes N    how long; a chapter that has begun is finished (default: 30)
  --seed N       what everything random comes from (default: a new one, which is printed)
  --lab          in a lab
  --beyond       more than one region at a time: what is lost then was never promised
  --rounds N     rounds a chapter (default: 3)
  --chapter N    that one and no other
  --topology F   a world of this topology that runs already; it is left running

Exit codes: 0 no promise was broken, 1 one was, or the world did not come back, 2 wrong usage, 130 interrupted.`

type Asked = {
  minutes: number
  seed: number
  lab: boolean
  beyond: boolean
  rounds: number
  chapter: number | undefined
  topology: string | undefined
}

/** Entering a lab's network replaces this process by itself; it finds its folder and seed again here. */
const folderVariable = 'NEARSIDE_SOAK_FOLDER'
const seedVariable = 'NEARSIDE_SOAK_SEED'
const program = join(import.meta.dirname, '../main.ts')

function asked(args: string[]): Asked | undefined {
  const number = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    args,
    options: {
      minutes: number,
      seed: number,
      rounds: number,
      chapter: number,
      topology: { type: 'string' },
      lab: flag,
      beyond: flag,
      help: flag,
    },
  })
  if (values.help) return undefined
  const whole = (name: 'minutes' | 'seed' | 'rounds' | 'chapter', most: number) => {
    const text = values[name]
    if (text === undefined) return undefined
    if (/^\d{1,15}$/.test(text) && Number(text) <= most) return Number(text)
    throw new NearsideError(
      'usage_soak',
      `--${name}: expected a whole number up to ${most}, got ${JSON.stringify(text)}`,
    )
  }
  return {
    minutes: whole('minutes', 10_000) ?? 30,
    seed: whole('seed', 2 ** 50) ?? Number(process.env[seedVariable] ?? randomInt(1, 2 ** 31)),
    rounds: Math.max(1, whole('rounds', 50) ?? 3),
    chapter: whole('chapter', 1e6),
    lab: values.lab === true,
    beyond: values.beyond === true,
    topology: values.topology,
  }
}

async function main(output: Output): Promise<number> {
  const wanted = asked(process.argv.slice(2))
  if (!wanted) {
    output.print(help)
    return exitCodes.ok
  }
  if (wanted.lab) await mustBeAble()
  const first = process.env[seedVariable] === undefined
  process.env[seedVariable] = String(wanted.seed)
  if (first) output.note(`seed ${wanted.seed}`)
  const folder = wanted.topology === undefined ? ownFolder(wanted, await freeBase()) : undefined
  const file = wanted.topology ?? join(folder!, 'nearside.yaml')
  const removal = () => (folder ? takeDown(file, folder, wanted.lab, output) : Promise.resolve())
  try {
    if (folder && first)
      await nearside([...(wanted.lab ? ['lab', 'up', '--app-faults'] : ['up', '--detach']), '-t', file])
    const world = await rehearsedWorld({ topology: file })
    const { signal } = onInterrupt(output, 'leave')
    const work = () => soak(world, wanted, output, signal)
    return (await rehearse(world.folder, 'soak', output, work, signal)) ?? exitCodes.interrupted
  } finally {
    await removal()
  }
}

async function soak(world: WorldHandle, wanted: Asked, output: Output, signal: AbortSignal): Promise<number> {
  const { seed, beyond, rounds } = wanted
  const ground = rehearsalGround(world) === 'lab' ? 'lab' : 'local'
  const appFaults = world.record.lab?.appFaults === true
  await healLeftFaults(world, output)
  const guard = startGuard(world)
  const startedAt = performance.now()
  const minutes = () => (performance.now() - startedAt) / 60_000
  const totals = { chapters: 0, faults: 0, acknowledged: 0, unknown: 0, longestPauseMs: 0 }
  try {
    for (let chapter = wanted.chapter ?? 0; ; chapter += 1) {
      const plan = chapterPlan(chapter, {
        seed,
        ground,
        beyond,
        appFaults,
        regions: world.regions,
        world: world.name,
        roundsPerChapter: rounds,
        settleLimitMs,
      })
      output.print(`${duration(minutes() * 60)}  chapter ${chapter} of seed ${seed}`)
      for (const step of plan.steps) if (step.do === 'inject') output.print(`    ${sayFault(step.fault)}`)
      const workloads = await workloadsOf(world, { app: 'auto', seed: seed + chapter })
      const result = await runDrill(plan, drillWorldOf(world, await faultHands(world, output), workloads), {
        seed,
        promises: promisesOf(world.record.topology),
        signal,
        say: (text) => output.note(`        ${text}`),
      })
      add(totals, result)
      const replay = replayCommand({ seed, chapter, ground, beyond, appFaults, roundsPerChapter: rounds })
      output.print(chapterLine(result))
      if (!result.ok && !beyond) {
        output.print(resultText(result))
        const file = `soak-${seed}-${chapter}.jsonl`
        await saveHistory(file, { history: result.history, final: result.final })
        output.print(`failed; what users asked and were told is in ${file}\nto see it again: ${replay}`)
        return exitCodes.problem
      }
      if (wanted.chapter !== undefined || minutes() >= wanted.minutes) break
    }
    output.print(
      `${totals.chapters} chapters, ${totals.faults} faults in ${duration(minutes() * 60)}: ${totals.acknowledged} writes acknowledged, none lost; ${totals.unknown} unknown; longest write pause ${duration(totals.longestPauseMs / 1000)}; seed ${seed}`,
    )
    return exitCodes.ok
  } catch (error) {
    if (!signal.aborted) throw error
    output.note(`interrupted after ${duration(minutes() * 60)}; seed ${seed}`)
    return exitCodes.interrupted
  } finally {
    guard.release()
  }
}

function add(
  totals: { chapters: number; faults: number; acknowledged: number; unknown: number; longestPauseMs: number },
  result: DrillResult,
): void {
  const { writes, longestWritePause } = result.figures
  totals.chapters += 1
  totals.faults += result.timeline.filter(({ kind }) => kind === 'fault').length
  totals.acknowledged += writes.acknowledged
  totals.unknown += writes.unknown
  totals.longestPauseMs = Math.max(totals.longestPauseMs, longestWritePause?.ms ?? 0)
}

function chapterLine({ ok, figures, settled, guarantees }: DrillResult): string {
  const { acknowledged, lost, unknown, refused } = figures.writes
  const pause = figures.longestWritePause
    ? `, longest write pause ${duration(figures.longestWritePause.ms / 1000)}`
    : ''
  const broken = guarantees.filter((one) => one.promised && one.violations.length > 0).map(({ id }) => id)
  return `    ${ok ? 'held' : 'BROKEN'}: ${acknowledged} acknowledged, ${lost} lost, ${unknown} unknown, ${refused} refused${pause}${settled ? '' : ', not settled'}${broken.length > 0 ? `: ${broken.join(', ')}` : ''}`
}

/** A world of the example shop in a folder of its own, on a network of its own. */
function ownFolder({ lab }: Asked, base: string): string {
  const known = process.env[folderVariable]
  if (known) return known
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nearside-soak-')))
  const appFolder = join(import.meta.dirname, '../../../examples/shop')
  // Where users live matters to nobody here, and the table for it takes its time.
  const { steering: _, ...rest } = example
  const topology = {
    ...rest,
    ...(lab ? {} : { network: { base } }),
    app: { ...example.app, folder: appFolder },
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'nearside.yaml'), JSON.stringify(topology, null, 2))
  process.env[folderVariable] = folder
  return folder
}

async function freeBase(): Promise<string> {
  for (let second = 60; second < 100; second += 1) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(2379, `127.${second}.1.1`, () => server.close(() => resolve(true)))
    })
    if (free && second !== 77) return `127.${second}`
  }
  throw new NearsideError('soak_no_network', 'every network from 127.60 to 127.99 is in use', {
    remedy: 'nearside doctor',
  })
}

async function takeDown(file: string, folder: string, lab: boolean, output: Output): Promise<void> {
  output.note('Taking the world down')
  await nearside([...(lab ? ['lab', 'down'] : ['down']), '--purge', '--yes', '-t', file])
  rmSync(folder, { recursive: true, force: true })
}

/** The command line itself, as its users have it. */
function nearside(args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
    child.on('error', reject)
    child.on('exit', (code, signal) =>
      code === 0
        ? resolve()
        : reject(new NearsideError('soak_world', `nearside ${args.join(' ')}: ${signal ?? `exit ${code}`}`)),
    )
  })
}

const output = createOutput()
try {
  process.exitCode = await main(output)
} catch (error) {
  const usage =
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  process.exitCode = printError(
    output,
    usage ? new NearsideError('usage_soak', error.message, { remedy: 'npm run soak -- --help' }) : error,
  )
}
process.exit()
