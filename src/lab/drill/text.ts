import { describeMs } from '../../lib/format.ts'
import { verdictLines } from '../checker/index.ts'
import { describeFault, describeHealing } from '../faults/describe.ts'
import { percent } from '../users/report/words.ts'
import type { Counts, Figures } from './figures.ts'
import type { DrillPlan, Step } from './plan.ts'
import type { DrillResult } from './types.ts'

/** A drill as people read it. Pure. */

export function planText(plan: DrillPlan): string {
  const told = plan.steps.flatMap((step) => stepText(step, plan) ?? [])
  return [
    `${plan.scenario} in ${plan.world} (${plan.ground === 'lab' ? 'a lab' : 'a world of this machine, without distances'})`,
    `  ${plan.about}`,
    '',
    'It will',
    `  1. put load on the world, and nothing else for ${describeMs(plan.baselineMs)}`,
    ...told.map((text, i) => `  ${i + 2}. ${text}`),
    `  ${told.length + 2}. go on for ${describeMs(plan.afterMs)}, look at what is there, and hold it against what users were told`,
    '',
    'A world that keeps its promises shows',
    ...plan.expects.map((one) => `  – ${one}`),
  ].join('\n')
}

/** Undefined: what heals by itself needs no step to be told. */
function stepText(step: Step, plan: DrillPlan): string | undefined {
  if (step.do === 'inject') return describeFault(step.fault)
  if (step.do === 'pause') return `go on for ${describeMs(step.ms)}`
  if (step.do === 'wait') return `wait until ${describeMs(step.ms)} have passed since the fault`
  if (step.do === 'until')
    return {
      writes: `wait for a write that is acknowledged again, ${describeMs(step.limitMs)} at most`,
      verdict: `wait for a verdict, ${describeMs(step.limitMs)} at most`,
      settled: `wait until everything is ready, healthy and in sync, ${describeMs(step.limitMs)} at most`,
    }[step.what]
  const injected = plan.steps.find((one) => one.do === 'inject' && one.as === step.which)
  return injected?.do === 'inject' ? describeHealing(injected.fault) : undefined
}

export function resultText(result: DrillResult): string {
  const { plan, figures, guarantees, timeline, notes, seed } = result
  return [
    ...timeline.map(({ atMs, what }) => `${signed(atMs).padStart(10)}  ${what}`),
    '',
    ...figureLines(figures).map(([name, value]) => `${name.padEnd(26)}${value}`),
    '',
    ...verdictLines(guarantees),
    '',
    ...notes.map((note) => `note: ${note}`),
    `${plan.scenario}: ${verdictText(result)} (seed ${seed})`,
  ].join('\n')
}

export function verdictText({ ok, settled, guarantees }: DrillResult): string {
  if (ok) return 'no promise was broken, and the world is healthy again'
  const violations = guarantees.reduce((sum, one) => sum + one.violations.length, 0)
  if (violations > 0) return `${violations} violations`
  return settled ? 'what is there could not be looked at in full' : 'the world has not come back'
}

/** Name and value, in the order in which they are told. */
export function figureLines(figures: Figures): [string, string][] {
  const { toVerdictMs, toWritableMs, longestWritePause, reads, writes, orders, users, byEdge } = figures
  return [
    [
      'time to verdict',
      toVerdictMs === undefined ? 'no region was called lost or unhealthy' : exact(toVerdictMs),
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
      `${reads.all}, of which ${reads.failed} failed, ${reads.failedElsewhere} of them at edges that were not hit`,
    ],
    ...reads.elsewhere
      .slice(0, mostReasons)
      .map(({ kind, why, count }): [string, string] => [
        '  at edges not hit',
        `${count} × ${kind}: ${short(why)}`,
      ]),
    ['writes', countText(writes)],
    ...(orders ? [['orders among them', countText(orders)] as [string, string]] : []),
    ...(users
      ? [
          [
            'users over SLO',
            `${users.overSlo} of ${users.requests} requests${users.who === 'load' ? ' of the load' : ''} failed (${users.failed}) or took over ${users.latencyMs} ms: ${percent(users.share)} within, SLO ${users.met ? 'met' : 'missed'}`,
          ] as [string, string],
        ]
      : []),
    ...byEdge.map(({ edge, hit, writes: here, reads: read, longestWritePauseMs }): [string, string] => [
      `at ${edge}${hit ? ' (hit)' : ''}`,
      `writes ${countText(here)}; ${read.failed} of ${read.all} reads failed${longestWritePauseMs === undefined ? '' : `; write pause ${exact(longestWritePauseMs)}`}`,
    ]),
  ]
}

/** More kinds of error than that say no more. */
const mostReasons = 6

/** An error's answer may be a page. */
const short = (why: string) => {
  const line = why.replace(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}

function notPaused(longest: Figures['longestWritePause']): string {
  if (longest?.open) return 'writes did not come back'
  return longest ? 'no fault made writes pause' : 'writes did not pause'
}

const countText = ({ acknowledged, lost, unknown, refused }: Counts) =>
  `${acknowledged} acknowledged, ${lost} of them lost; ${unknown} unknown, ${refused} refused`

/** To the hundredth of a second. */
const exact = (ms: number) => `${(ms / 1000).toFixed(2)} s`
export const signed = (ms: number) => `${ms < 0 ? '−' : '+'}${(Math.abs(ms) / 1000).toFixed(2)} s`
