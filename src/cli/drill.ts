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
  nearside drill region-loss --unreachable --for 30s        in a lab: packets vanish instead of being refused
  nearside drill partition us-east --plan              what it would do, and nothing else
  nearside drill etcd-quorum --report drill.html --history drill.jsonl

In a lab or on a world of this machine. It makes a schema of its own in the app's database (nearside_drill), writes and
reads there through every region, and removes it; with the example shop it also places orders, which stay. However it
ends, also by Ctrl-C, the fault is healed and the world goes on.
Exit codes: 0 no promise was broken, 1 one was, or the world did not come back, 2 wrong usage, 130 interrupted.`

export function drillCommand(program: Command): void {
  program
    .command('drill')
    .description('rehearse a fault under load, and check every promise')
    .argument('[scenario]', 'see --list')
    .argument('[what...]', 'usually a region; default: where the primary is')
    .option('--list', 'every scenario')
    .option('--plan', 'show what it would do and do nothing')
    .option('--for <time>', 'how long the fault lasts (default: 20s)')
    .addOption(
      quantityOption('--baseline <time>', 'load alone, before and after (default: 5s)', baselineTime),
    )
    .option('--unreachable', 'region-loss: packets vanish (lab)')
    .option('--direction <which>', 'one-way-cut: out or in')
    .option('--delay <time>', 'slow-link: more delay, one way')
    .option('--jitter <time>', 'slow-link: more jitter')
    .option('--rate <rate>', 'slow-link: at most, such as 10mbit')
    .option('--loss <share>', 'lossy-link: of packets, such as 5%')
    .option('--members <regions>', 'etcd-quorum: these members')
    .option('--share <share>', 'app-500: of requests')
    .option('--app <which>', 'auto, shop (also place orders) or none', appChoice, 'auto')
    .addOption(
      quantityOption(
        '--users <number>',
        'simulated users of the shop: requests per second (default: 20 in a lab of the shop, else 0)',
        usersRate,
      ),
    )
    .option('--places <which>', 'where they live: us, europe, world or cities', 'us')
    .addOption(
      quantityOption('--writes-per-second <number>', 'of each kind of load, at every region', loadRate),
    )
    .addOption(
      quantityOption('--reads-per-second <number>', 'of each kind of load, at every region', loadRate),
    )
    .addOption(quantityOption('--seed <number>', 'seeds the random choices of the load', seedNumber))
    .option('--report <file.html>', 'write a report that a browser shows')
    .option('--history <file>', 'write everything that users asked and were told')
    .option('--every-guarantee', 'a violation of what is not promised counts, too')
    .option('--i-know-this-is-production', 'also where regions are neither in a lab nor on this machine')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(({ output, options, args }) => {
        if (options.list) return list(output)
        const [scenario, ...words] = args
        if (scenario === undefined)
          throw new NearsideError(
            'usage_scenario_missing',
            `scenario: expected one of ${scenarioNames.join(', ')}`,
            {
              remedy: 'nearside drill --list says what each does',
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
  // Read where users live, too: what is wrong there must not show after the plan was told.
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
    // Now: a rehearsal before this one may have moved the primary.
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
    output.note('interrupted: the fault is healed, the world goes on')
    // Requests that wait for the world would keep us here until they have their answers.
    process.exit(exitCodes.interrupted)
  } finally {
    guard.release()
  }
}

/** Users who look at the shop, by the seed of their choices; undefined when none are wanted. */
async function usersWanted(world: WorldHandle, { users, places }: Options) {
  const ratePerSecond = users ?? (world.record.lab && isShop(world) ? 20 : 0)
  return ratePerSecond > 0 ? usersOf(world, { ratePerSecond, places }) : undefined
}

/** Everything but the operations: those are in the history. */
function document({ history, final, ...rest }: DrillResult) {
  return { version, ...rest, operations: history.ops.length }
}

function appChoice(text: string): LoadChoice['app'] {
  const choices = ['auto', 'shop', 'none'] as const
  return choices.find((one) => one === text) ?? unknown('app', text, choices)
}

const usersRate = perSecond({ noun: 'number of requests', least: 0, most: 2000, example: '20' })
const loadRate = perSecond({ noun: 'number of requests', above: 0, most: 2000, example: '20' })
/** A timer of Node ends at once when it is to last more than 24 days. */
const baselineTime = durationMs({ most: 24 * 3_600_000, example: '5s' })
