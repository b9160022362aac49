import { describeMs } from '../../lib/format.ts'
import { verdictLines } from '../checker/index.ts'
import { describeFault, describeHealing } from '../faults/describe.ts'
import { percent } from '../users/report/words.ts'
import type { Counts, Figures } from './figures.ts'
import type { DrillPlan, Step } from './plan.ts'
import type { DrillResult } from './types.ts'

/** Formats a drill for a terminal. Pure. */

export function planText(plan: DrillPlan): string {
  const told = plan.steps.flatMap((step) => stepText(step, plan) ?? [])
  return [
    `${plan.scenario} in ${plan.world} (${plan.ground === 'lab' ? 'a lab' : 'a world on this machine, without network latency'})`,
    `  ${plan.about}`,
    '',
    'Steps',
    `  1. run the load without faults for ${describeMs(plan.baselineMs)}`,
    ...told.map((text, i) => `  ${i + 2}. ${text}`),
    `  ${told.length + 2}. continue for ${describeMs(plan.afterMs)}, then compare the databases with the recorded answers`,
    '',
    'Expected',
    ...plan.expects.map((one) => `  – ${one}`),
  ].join('\n')
}

/** Undefined for a fault that heals by itself, which needs no step. */
function stepText(step: Step, plan: DrillPlan): string | undefined {
  if (step.do === 'inject') return describeFault(step.fault)
  if (step.do === 'pause') return `continue for ${describeMs(step.ms)}`
  if (step.do === 'wait') return `wait until ${describeMs(step.ms)} after the fault`
  if (step.do === 'until')
    return {
      writes: `wait for the next acknowledged write, at most ${describeMs(step.limitMs)}`,
      verdict: `wait for a verdict, at most ${describeMs(step.limitMs)}`,
      settled: `wait until everything is ready, healthy and in sync, at most ${describeMs(step.limitMs)}`,
    }[step.what]
  const injected = plan.steps.find((one) => one.do === 'inject' && one.as === step.which)
  return injected?.do === 'inject' ? describeHealing(injected.fault) : undefined
}

export function resultText(result: DrillResult): string {
  const { plan, figures, guarantees, timeline, notes, seed } = result
  return [
    ...timeline.map(({ atMs, what }) => `${signed(atMs).padStart(10)}  ${what}`),
    '',
    ...figureLines(figures).map(([name, value]) => `${name.padEnd(figureWidth)}${value}`),
    '',
    ...verdictLines(guarantees),
    '',
    ...notes.map((note) => `note: ${note}`),
    `${plan.scenario}: ${verdictText(result)} (seed ${seed})`,
  ].join('\n')
}

export function verdictText({ ok, settled, guarantees }: DrillResult): string {
  if (ok) return 'no guarantee was broken and the world is healthy again'
  const violations = guarantees.reduce((sum, one) => sum + one.violations.length, 0)
  if (violations > 0) return `${violations} ${violations === 1 ? 'violation' : 'violations'}`
  return settled ? 'the final state could not be read completely' : 'the world did not recover'
}

/** Of the longest name, `  at edges without a fault`, and two spaces. */
const figureWidth = 28

/** Names and values, in display order. */
export function figureLines(figures: Figures): [string, string][] {
  const { toVerdictMs, toWritableMs, longestWritePause, reads, writes, orders, users, byEdge } = figures
  return [
    [
      'time to verdict',
      toVerdictMs === undefined ? 'no region was reported unreachable or unhealthy' : exact(toVerdictMs),
    ],
    ['time to writable', toWritableMs === undefined ? notPaused(longestWritePause) : exact(toWritableMs)],
    [
      'longest write pause',
      longestWritePause === undefined
        ? 'none over 500 ms'
        : `${longestWritePause.open ? 'at least ' : ''}${exact(longestWritePause.ms)}, from ${signed(longestWritePause.atMs)}`,
    ],
    [
      'reads',
      `${reads.all}, ${reads.failed} failed, ${reads.failedElsewhere} of them at edges without a fault`,
    ],
    ...reads.elsewhere
      .slice(0, mostReasons)
      .map(({ kind, why, count }): [string, string] => [
        '  at edges without a fault',
        `${count} × ${kind}: ${short(why)}`,
      ]),
    ['writes', countText(writes)],
    ...(orders ? [['of these, orders', countText(orders)] as [string, string]] : []),
    ...(users
      ? [
          [
            'requests over SLO',
            `${users.overSlo} of ${users.requests}${users.who === 'load' ? ' of the load' : ''}: ${users.failed} failed, the rest took over ${users.latencyMs} ms; ${percent(users.share)} within, SLO ${users.met ? 'met' : 'missed'}`,
          ] as [string, string],
        ]
      : []),
    ...byEdge.map(({ edge, hit, writes: here, reads: read, longestWritePauseMs }): [string, string] => [
      `at ${edge}${hit ? ' (fault)' : ''}`,
      `writes ${countText(here)}; ${read.failed} of ${read.all} reads failed${longestWritePauseMs === undefined ? '' : `; write pause ${exact(longestWritePauseMs)}`}`,
    ]),
  ]
}

/** Further kinds of errors add nothing. */
const mostReasons = 6

/** The body of an error may be a whole page. */
const short = (why: string) => {
  const line = why.replace(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}

function notPaused(longest: Figures['longestWritePause']): string {
  if (longest?.open) return 'writes did not resume'
  return longest ? 'no fault paused writes' : 'writes did not pause'
}

const countText = ({ acknowledged, lost, unknown, refused }: Counts) =>
  `${acknowledged} acknowledged, ${lost} of them lost; ${unknown} unknown, ${refused} refused`

/** To a hundredth of a second. */
const exact = (ms: number) => `${(ms / 1000).toFixed(2)} s`
export const signed = (ms: number) => `${ms < 0 ? '−' : '+'}${(Math.abs(ms) / 1000).toFixed(2)} s`
