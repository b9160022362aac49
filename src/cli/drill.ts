import { randomInt } from 'node:crypto'
import type { Command } from 'commander'
import { promisesOf } from '../lab/checker/index.ts'
import type { DrillPlan } from '../lab/drill/plan.ts'
import { planDrill, unknownScenario } from '../lab/drill/plan-drill.ts'
import { runDrill } from '../lab/drill/run.ts'
import { scenarioNames, scenarios } from '../lab/drill/scenarios.ts'
import { planText, resultText } from '../lab/drill/text.ts'
import type { DrillResult } from '../lab/drill/types.ts'
import { drillWorldOf, isShop, type LoadChoice, usersOf, workloadsOf } from '../lab/drill/world.ts'
import { clusterFacts } from '../lab/faults/cluster-facts.ts'
import { healLeftFaults } from '../lab/faults/heal-world.ts'
import { refuseImpossible } from '../lab/faults/inject.ts'
import { openFaultTarget } from '../lab/faults/open-target.ts'
import { mustBeRehearsalGround, rehearsalGround, rehearsedWorld } from '../lab/faults/rehearsal-ground.ts'
import { startGuard } from '../lab/faults/start-guard.ts'
import { unknown } from '../lib/did-you-mean.ts'
import { NearsideError } from '../lib/errors.ts'
import { durationMs, perSecond } from '../lib/quantities.ts'
import { version } from '../lib/version.ts'
import type { WorldOptions } from '../world/find.ts'
import type { WorldHandle } from '../world/handle.ts'
import { rehearse } from '../world/rehearsal-lock.ts'
import { refuseConflict } from './conflicts.ts'
import { mustBeWritable, saveResult } from './drill/save.ts'
import { onInterrupt } from './interrupt.ts'
import { action, exitCodes, type Output, widthOf, wrap } from './output.ts'
import { quantityOption, seedNumber } from './quantity-option.ts'

type Options = WorldOptions & {
  list?: boolean
  plan?: boolean
  unreachable?: boolean
  app: LoadChoice['app']
  users?: number
  places: string
  baseline?: number
  writesPerSecond?: number
  readsPerSecond?: number
  seed?: number
  report?: string
  history?: string
  everyGuarantee?: boolean
  iKnowThisIsProduction?: boolean
  json?: boolean
  /** The options of faults. */
  [option: string]: unknown
}

const examples = `
Examples:
  nearside drill --list
  nearside drill region-loss us-east
  nearside drill region-loss --unreachable --for 30s     drop packets (lab)
  nearside drill partition us-east --plan                show the plan only
  nearside drill etcd-quorum --report drill.html --history drill.jsonl

Runs in a lab or in a world on this machine. It creates the schema
nearside_drill in the app's database, writes and reads there through every
region, and drops it at the end. With the example shop, it also places orders,
which remain. The fault is healed however the drill ends, including on Ctrl-C,
and the world keeps running.
Exit codes: 0 no guarantee broken, 1 a guarantee broken or no full recovery,
2 usage error, 130 interrupted.`

export function drillCommand(program: Command): void {
  program
    .command('drill')
    .description('inject a fault under load and check every guarantee')
    .argument('[scenario]', 'name of the scenario, see --list')
    .argument('[what...]', 'target, usually a region (default: the primary’s)')
    .option('--list', 'list all scenarios')
    .option('--plan', 'show the steps without running them')
    .option('--for <time>', 'duration of the fault (default: 20s)')
    .addOption(
      quantityOption('--baseline <time>', 'load before and after the fault (default: 5s)', baselineTime),
    )
    .option('--unreachable', 'region-loss: drop packets (lab)')
    .option('--direction <which>', 'one-way-cut: out or in')
    .option('--delay <time>', 'slow-link: added one-way delay')
    .option('--jitter <time>', 'slow-link: added jitter')
    .option('--rate <rate>', 'slow-link: rate limit, e.g. 10mbit')
    .option('--loss <share>', 'lossy-link: packet loss, e.g. 5%')
    .option('--members <regions>', 'etcd-quorum: members to pause')
    .option('--share <share>', 'app-500: share of requests')
    .option('--app <which>', 'load on the app: auto, shop (orders) or none', appChoice, 'auto')
    .addOption(
      quantityOption(
        '--users <number>',
        'requests per second of simulated users (default: 20 for the shop in a lab, else 0)',
        usersRate,
      ),
    )
    .option('--places <which>', 'location of users: us, europe, world or cities', 'us')
    .addOption(quantityOption('--writes-per-second <number>', 'writes per workload and region', loadRate))
    .addOption(quantityOption('--reads-per-second <number>', 'reads per workload and region', loadRate))
    .addOption(quantityOption('--seed <number>', 'seed of the random load', seedNumber))
    .option('--report <file.html>', 'write an HTML report')
    .option('--history <file>', 'write every operation and its outcome')
    .option('--every-guarantee', 'also fail on guarantees that the topology does not give')
    .option('--i-know-this-is-production', 'allow regions outside a lab and this machine')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(({ output, options, args }) => {
        refuseConflict('drill', { '[scenario]': args[0], '--list': options.list })
        if (options.list) return list(output)
        const [scenario, ...words] = args
        if (scenario === undefined)
          throw new NearsideError(
            'usage_scenario_missing',
            `scenario: expected one of ${scenarioNames.join(', ')}`,
            {
              remedy: 'run `nearside drill --list` for a description of each',
            },
          )
        return drill(output, options, scenario, words)
      }),
    )
}

function list(output: Output): number {
  output.result(scenarioNames.map((name) => ({ name, ...described(name) })))
  for (const name of scenarioNames) {
    const { typed, does, needs } = described(name)
    output.print(`${output.paint('bold', name)} ${typed}`)
    output.print(
      wrap(`    ${does}${needs === 'anywhere' ? '' : ` (${needs})`}`, widthOf(process.stdout), '      '),
    )
  }
  return exitCodes.ok
}

function described(name: (typeof scenarioNames)[number]) {
  const { typed, does, needs } = scenarios[name]
  return { typed, does, needs }
}

async function drill(output: Output, options: Options, scenario: string, words: string[]): Promise<number> {
  if (!Object.hasOwn(scenarios, scenario)) throw unknownScenario(scenario)
  await mustBeWritable(options)
  const world = await rehearsedWorld(options)
  mustBeRehearsalGround(world, options.iKnowThisIsProduction)
  const planned = async () => {
    const plan = planDrill({
      scenario,
      words,
      options,
      unreachable: options.unreachable === true,
      world: world.name,
      ground: rehearsalGround(world) === 'lab' ? 'lab' : 'local',
      facts: await clusterFacts(world),
      baselineMs: options.baseline,
    })
    const target = await openFaultTarget(world, output.note)
    for (const step of plan.steps) if (step.do === 'inject') refuseImpossible(target, step.fault)
    return plan
  }
  // Validates the locations of users before the plan is shown.
  const users = await usersWanted(world, options)
  if (options.plan) {
    const plan = await planned()
    output.result(plan)
    output.print(planText(plan))
    return exitCodes.ok
  }
  const { signal } = onInterrupt(output, 'leave')
  const work = async () => {
    await healLeftFaults(world, output.note)
    // After taking the lock: an earlier rehearsal may have moved the primary.
    return run(output, options, world, await planned(), users, signal)
  }
  return (await rehearse(world.folder, 'drill', output.note, work, signal)) ?? exitCodes.interrupted
}

async function run(
  output: Output,
  options: Options,
  world: WorldHandle,
  plan: DrillPlan,
  usersOf: Awaited<ReturnType<typeof usersWanted>>,
  signal: AbortSignal,
): Promise<number> {
  output.note(planText(plan))
  output.note('')
  const seed = options.seed ?? randomInt(1, 2 ** 31)
  const guard = startGuard(world)
  try {
    const choice = { ...options, seed }
    const workloads = await workloadsOf(world, choice)
    const drillWorld = drillWorldOf(
      world,
      await openFaultTarget(world, output.note),
      workloads,
      usersOf?.(seed),
    )
    const startedAt = performance.now()
    const say = (text: string) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)
      output.note(`${output.paintNote('dim', `${seconds} s`)}  ${text}`)
    }
    const promises = promisesOf(world.record.topology)
    const every = options.everyGuarantee === true
    const result = await runDrill(plan, drillWorld, { seed, promises, every, signal, say })
    const written = await saveResult(result, options, output)
    output.result(document(result))
    output.print()
    output.print(resultText(result))
    return result.ok && written ? exitCodes.ok : exitCodes.problem
  } catch (error) {
    if (!signal.aborted) throw error
    output.note('interrupted: the fault is healed, the world keeps running')
    // Requests held by the world would otherwise delay the exit until they are answered.
    process.exit(exitCodes.interrupted)
  } finally {
    guard.release()
  }
}

/** Simulated users of the shop, with their choices by seed; undefined when none are requested. */
async function usersWanted(world: WorldHandle, { users, places }: Options) {
  const ratePerSecond = users ?? (world.record.lab && isShop(world) ? 20 : 0)
  return ratePerSecond > 0 ? usersOf(world, { ratePerSecond, places }) : undefined
}

/** Everything except the operations, which are in the history. */
function document({ history, final, ...rest }: DrillResult) {
  return { version, ...rest, operations: history.ops.length }
}

function appChoice(text: string): LoadChoice['app'] {
  const choices = ['auto', 'shop', 'none'] as const
  return choices.find((one) => one === text) ?? unknown('app', text, choices)
}

const usersRate = perSecond({ noun: 'number of requests', least: 0, most: 2000, example: '20' })
const loadRate = perSecond({ noun: 'number of requests', above: 0, most: 2000, example: '20' })
/** A Node timer of more than 24 days fires immediately. */
const baselineTime = durationMs({ most: 24 * 3_600_000, example: '5s' })
