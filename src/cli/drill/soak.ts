import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readWorld } from '../../agent/layout.ts'
import { promisesOf } from '../../lab/checker/index.ts'
import { runDrill } from '../../lab/drill/run.ts'
import { settleLimitMs } from '../../lab/drill/scenarios.ts'
import { chapterPlan, hasFailed, replayCommand } from '../../lab/drill/soak.ts'
import { resultText } from '../../lab/drill/text.ts'
import type { DrillResult } from '../../lab/drill/types.ts'
import { drillWorldOf, workloadsOf } from '../../lab/drill/world.ts'
import { describeFault } from '../../lab/faults/describe.ts'
import { healLeftFaults } from '../../lab/faults/heal-world.ts'
import { openFaultTarget } from '../../lab/faults/open-target.ts'
import { rehearsalGround, rehearsedWorld } from '../../lab/faults/rehearsal-ground.ts'
import { startGuard } from '../../lab/faults/start-guard.ts'
import { mustBeAble } from '../../lab/network/abilities.ts'
import { NearsideError } from '../../lib/errors.ts'
import { duration } from '../../lib/format.ts'
import { readQuantity, wholeNumber } from '../../lib/quantities.ts'
import { findLab } from '../../world/find.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { goInside } from '../../world/namespaces/go-inside.ts'
import { namespaceOf } from '../../world/namespaces/names.ts'
import { rehearse } from '../../world/rehearsal-lock.ts'
import { onInterrupt } from '../interrupt.ts'
import { createOutput, exitCodes, type Output, printError } from '../output.ts'
import { writable } from '../writable.ts'
import { withCrashes } from './crash.ts'
import { saveResult } from './save.ts'
import { bringUp, folderVariable, freeBase, ownFolder, takeDown } from './soak-world.ts'

const help = `Usage: npm run soak -- [options]

Runs random faults, alone and overlapping, under constant load and checks.

  --minutes N    duration; the last chapter is finished (default: 30)
  --seed N       seed of all random choices (default: random, printed)
  --lab          run in a lab, which adds network faults (root)
  --beyond       fail several regions at a time; losses then do not count as
                 failures, because no guarantee covers them
  --rounds N     rounds per chapter (default: 3)
  --chapter N    run only this chapter
  --topology F   use a running world of this topology and leave it running
  --help         show this help

Examples:
  npm run soak -- --minutes 30 --seed 7   example shop, local addresses
  npm run soak -- --minutes 30 --lab
  npm run soak -- --seed 7 --chapter 3    repeat one chapter of that run

Exit codes: 0 no guarantee broken, 1 a guarantee broken or no full recovery,
2 usage error, 130 interrupted.`

type Asked = {
  minutes: number
  seed: number
  lab: boolean
  beyond: boolean
  rounds: number
  chapter: number | undefined
  topology: string | undefined
}

/** Set for the process inside a lab's network. */
const seedVariable = 'NEARSIDE_SOAK_SEED'

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
  const whole = (name: 'minutes' | 'seed' | 'rounds' | 'chapter', most?: number) => {
    const text = values[name]
    return text === undefined
      ? undefined
      : readQuantity(wholeNumber({ most, example: '3' }), `--${name}`, text)
  }
  return {
    minutes: whole('minutes', 10_000) ?? 30,
    seed: whole('seed') ?? Number(process.env[seedVariable] ?? randomInt(1, 2 ** 31)),
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
  // An existing world. If it is in a lab, entering it replaces this process, so this precedes the signal handlers.
  const made = process.env[folderVariable]
  const file = made === undefined ? wanted.topology : join(made, 'nearside.yaml')
  const known = file === undefined ? undefined : await rehearsedWorld({ topology: file })
  if (made === undefined) output.note(`seed ${wanted.seed}`)
  const interrupt = onInterrupt(output, 'leave')
  const { signal } = interrupt
  await writable('history', historyFile(wanted.seed, wanted.chapter ?? 0), { notThroughLinks: true })
  const folder = known ? undefined : await ownFolder(wanted.lab, await freeBase())
  const rehearsed = (world: WorldHandle, signal: AbortSignal) =>
    rehearse(world.folder, 'soak', output.note, () => soak(world, wanted, output, signal), signal)
  const work = async (signal: AbortSignal) => {
    if (known) return rehearsed(known, signal)
    const own = join(folder!, 'nearside.yaml')
    await bringUp(own, wanted.lab, signal)
    if (!wanted.lab) return rehearsed(await rehearsedWorld({ topology: own }), signal)
    const { lab } = await readWorld(findLab({ topology: own }, process.cwd()))
    const told = { [folderVariable]: folder, [seedVariable]: String(wanted.seed) }
    return goInside(namespaceOf(lab!.id, 'router'), interrupt, told)
  }
  try {
    return (await withCrashes(work, signal)) ?? exitCodes.interrupted
  } catch (error) {
    if (!signal.aborted) throw error
    return exitCodes.interrupted
  } finally {
    if (folder) await takeDown(join(folder, 'nearside.yaml'), folder, wanted.lab, output)
  }
}

/** History of a failed chapter, written to the current folder. */
const historyFile = (seed: number, chapter: number) => `soak-${seed}-${chapter}.jsonl`

async function soak(world: WorldHandle, wanted: Asked, output: Output, signal: AbortSignal): Promise<number> {
  const { seed, beyond, rounds } = wanted
  const ground = rehearsalGround(world) === 'lab' ? 'lab' : 'local'
  const appFaults = world.record.lab?.appFaults === true
  await healLeftFaults(world, output.note)
  const guard = startGuard(world)
  const startedAt = performance.now()
  const minutes = () => (performance.now() - startedAt) / 60_000
  const totals = { chapters: 0, faults: 0, acknowledged: 0, lost: 0, unknown: 0, longestPauseMs: 0 }
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
      for (const step of plan.steps)
        if (step.do === 'inject') output.print(`    ${describeFault(step.fault)}`)
      const workloads = await workloadsOf(world, { app: 'auto', seed: seed + chapter })
      const result = await runDrill(
        plan,
        drillWorldOf(world, await openFaultTarget(world, output.note), workloads),
        {
          seed,
          promises: promisesOf(world.record.topology),
          signal,
          say: (text) => output.note(`        ${text}`),
        },
      )
      add(totals, result)
      const replay = replayCommand({ seed, chapter, ground, beyond, appFaults, roundsPerChapter: rounds })
      output.print(chapterLine(result))
      if (hasFailed(result, beyond)) {
        output.print(resultText(result))
        const saved = await saveResult(result, { history: historyFile(seed, chapter) }, output)
        if (saved) output.print('failed; the file above has every operation and its outcome')
        output.print(`to reproduce: ${replay}`)
        return exitCodes.problem
      }
      if (wanted.chapter !== undefined || minutes() >= wanted.minutes) break
    }
    output.print(
      `${totals.chapters} chapters, ${totals.faults} faults in ${duration(minutes() * 60)}: ${totals.acknowledged} writes acknowledged, ${totals.lost || 'none'} lost; ${totals.unknown} unknown; longest write pause ${duration(totals.longestPauseMs / 1000)}; seed ${seed}`,
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
  totals: Record<'chapters' | 'faults' | 'acknowledged' | 'lost' | 'unknown' | 'longestPauseMs', number>,
  result: DrillResult,
): void {
  const { writes, longestWritePause } = result.figures
  totals.chapters += 1
  totals.faults += result.timeline.filter(({ kind }) => kind === 'fault').length
  totals.acknowledged += writes.acknowledged
  totals.lost += writes.lost
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
