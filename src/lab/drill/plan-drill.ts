import { didYouMean } from '../../lib/did-you-mean.ts'
import { NearsideError } from '../../lib/errors.ts'
import type { ClusterFacts } from '../faults/cluster-facts.ts'
import { forMsOf, parseFault, type RawFaultOptions, refuseUnheeded } from '../faults/parse.ts'
import type { DrillPlan, Ground } from './plan.ts'
import {
  type Drill,
  needsLab,
  type Scenario,
  type ScenarioName,
  scenarioNames,
  scenarios,
} from './scenarios.ts'

export type DrillRequest = {
  scenario: string
  words: readonly string[]
  /** Options of the fault, as typed. */
  options: RawFaultOptions
  unreachable?: boolean
  world: string
  ground: Ground
  facts: ClusterFacts
  /** Time under load without a fault, before and after. */
  baselineMs?: number | undefined
}

const defaultBaselineMs = 5000
/** These never refuse connections: packets are dropped anyway. */
const dropsAnyway = ['partition', 'one-way-cut', 'lossy-link']

/** Plans a drill, or rejects what this world cannot rehearse. Pure. */
export function planDrill({
  scenario,
  words,
  options,
  unreachable = false,
  world,
  ground,
  facts,
  baselineMs = defaultBaselineMs,
}: DrillRequest): DrillPlan {
  const found = Object.hasOwn(scenarios, scenario)
    ? (scenarios[scenario as ScenarioName] as Scenario)
    : undefined
  if (!found) throw unknownScenario(scenario)
  if (found.needs === 'lab' && ground === 'local') throw needsLab(scenario)
  refuseUnheeded(scenario, found.typed, options)
  if (unreachable && !found.typed.includes('--unreachable'))
    throw new NearsideError('usage_option_unheeded', `${scenario}: does not support --unreachable`, {
      remedy: dropsAnyway.includes(scenario)
        ? 'omit it: this scenario drops packets anyway'
        : 'only region-loss supports it',
    })
  const most = found.typed
    .split(' ')
    .filter((word) => word.includes('REGION') && word.startsWith('[R')).length
  const pair = found.typed.startsWith('[REGION REGION]')
  if (words.length > (pair ? 2 : most) || (pair && words.length === 1))
    throw new NearsideError(
      'usage_drill_words',
      `${scenario}: expected ${found.typed || 'no arguments'}, got ${words.join(' ')}`,
      { remedy: `run: nearside drill ${scenario} ${found.typed}`.trim() },
    )
  const parse = (kind: string, faultWords: readonly string[] = [], more: RawFaultOptions = {}) =>
    parseFault(kind, { words: faultWords, options: { ...options, direction: undefined, ...more } }, facts)
  const drill: Drill = {
    words,
    options,
    unreachable,
    facts,
    ground,
    forMs: forMsOf(options),
    fault: parse,
    primary() {
      if (facts.primary !== undefined) return facts.primary
      throw new NearsideError('drill_no_primary', `${world}: no agent knows the primary`, {
        remedy: 'see `nearside status`',
      })
    },
    replicas: () =>
      facts.regions.filter((one) => one.full && one.name !== facts.primary).map((one) => one.name),
  }
  const { about, steps, expects } = found.steps(drill)
  return { scenario, world, ground, about, baselineMs, steps, afterMs: baselineMs, expects }
}

export function unknownScenario(name: string): NearsideError {
  return new NearsideError(
    'usage_scenario_unknown',
    `scenario: expected one of ${scenarioNames.join(', ')}, got ${JSON.stringify(name)}`,
    { remedy: didYouMean(name, scenarioNames) ?? 'run `nearside drill --list` for a description of each' },
  )
}
