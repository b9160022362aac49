import { NearsideError } from '../../../lib/errors.ts'
import { describeMs, shareText } from '../../../lib/format.ts'
import { decimalNumber, offsetMs, share } from '../../../lib/quantities.ts'
import type { AppControl } from '../app-control.ts'
import { fullRegion } from '../arguments.ts'
import type { FaultDriver, FaultInput } from '../driver.ts'
import { usage } from '../errors.ts'
import type { FaultValue, Lasting } from '../fault.ts'
import { quantity } from '../options.ts'
import type { FaultRecord } from '../record.ts'
import { preloaded } from './preloaded.ts'
import { stopping } from './stopping.ts'

/** Faults of the region's app: one for every app, and others that the preload injects inside a Node app. */
export type AppFault = AppHang | InsideApp
type AppHang = { kind: 'app-hang'; region: string } & Lasting
type InsideApp = AppErrors | AppLeak | AppClock
/** `share` is the share of requests, from 0 to 1. */
type AppErrors = { kind: 'app-500'; region: string; share: number } & Lasting
type AppLeak = { kind: 'app-leak'; region: string; mbPerSecond: number } & Lasting
/** A negative offset sets the app's clock back. */
type AppClock = { kind: 'app-clock'; region: string; offsetMs: number } & Lasting

const instances = (region: string) => ({ region, process: /^app-\d+$/ })

const appHang: FaultDriver<AppHang> = {
  words: ['REGION'],
  does: 'sends SIGSTOP to every instance of the region’s app',
  heals: 'SIGCONT',
  needs: 'anywhere',
  parse: (input) => ({ kind: 'app-hang', region: fullRegion(input), forMs: input.forMs }),
  describe: ({ region }) => `pause the app in ${region}`,
  describeHealing: ({ region }) => `resume the app in ${region}`,
  ...stopping(({ region }) => [instances(region)]),
}

type InsideDriver<F extends InsideApp> = FaultDriver<F> & {
  /** Adds the fault to the control file. */
  addTo(control: AppControl, fault: F): void
}
const inside = { instances, recordsOf, controlOf, noPreload }

const shareOption = quantity(
  { flags: '--share <share>', shown: '100%', help: 'share of requests' },
  share({ above: 0, example: '50%' }),
)

const appErrors: InsideDriver<AppErrors> = {
  words: ['REGION'],
  options: [shareOption],
  does: 'answers a share of the requests with 500 before the app sees them, including health checks',
  heals: 'the app answers all requests again',
  note: 'Node only: NODE_OPTIONS loads a small module of Nearside into the app',
  parse: (input) => ({
    kind: 'app-500',
    region: appRegion(input),
    share: input.option(shareOption) ?? 1,
    forMs: input.forMs,
  }),
  describe: ({ region, share }) =>
    `make the app in ${region} answer 500${share < 1 ? ` to ${shareText(share)} of its requests` : ''}`,
  addTo(control, fault) {
    control.errorShare = Math.max(control.errorShare ?? 0, fault.share)
  },
  ...preloaded(inside),
}

const leakOption = quantity(
  { flags: '--mb-per-second <number>', shown: '20', help: 'MB per second' },
  decimalNumber({ above: 0, most: 10_000, example: '20' }),
)
const defaultLeakMbPerSecond = 20

const appLeak: InsideDriver<AppLeak> = {
  words: ['REGION'],
  options: [leakOption],
  does: 'makes every instance of the region’s app allocate memory and keep it',
  heals: 'the memory is freed, unless the app has crashed',
  note: 'Node only, like app-500. At most 1 GB per instance',
  parse: (input) => ({
    kind: 'app-leak',
    region: appRegion(input),
    mbPerSecond: input.option(leakOption) ?? defaultLeakMbPerSecond,
    forMs: input.forMs,
  }),
  describe: ({ region, mbPerSecond }) => `make the app in ${region} leak ${mbPerSecond} MB/s`,
  addTo(control, fault) {
    control.leakMbPerSecond = (control.leakMbPerSecond ?? 0) + fault.mbPerSecond
  },
  ...preloaded(inside),
}

/** Unlimited in practice; a Date has to stay valid. */
const mostOffsetMs = 10 * 365 * 24 * 3_600_000

const offsetOption = quantity(
  {
    flags: '--offset <time>',
    shown: '30s|-30s',
    required: true,
    help: 'clock offset; negative sets it back',
  },
  offsetMs({ most: mostOffsetMs, example: '30s or -30s' }),
)

const appClock: InsideDriver<AppClock> = {
  words: ['REGION'],
  options: [offsetOption],
  does: 'shifts the app’s Date by this offset',
  heals: 'its Date is correct again',
  note: 'Node only, like app-500. The clocks of the machine and of the engines stay correct: Linux can give a process another monotonic clock, but not another time of day',
  parse(input) {
    const { kind, option, forMs } = input
    const region = appRegion(input)
    const offset = option(offsetOption)
    if (offset !== undefined) return { kind: 'app-clock', region, offsetMs: offset, forMs }
    throw usage(
      'fault_offset',
      `${kind}: expected --offset`,
      `run: nearside lab fault ${kind} ${region} --offset 30s (or -30s)`,
    )
  },
  describe: ({ region, offsetMs }) =>
    `set the app’s clock in ${region} ${offsetMs < 0 ? 'back' : 'ahead'} by ${describeMs(Math.abs(offsetMs))}`,
  addTo(control, fault) {
    control.clockOffsetMs = (control.clockOffsetMs ?? 0) + fault.offsetMs
  },
  ...preloaded(inside),
}

const insideFaults = { 'app-500': appErrors, 'app-leak': appLeak, 'app-clock': appClock }
export const appFaults = { 'app-hang': appHang, ...insideFaults }

export const absentAppFaults = {
  'clock-skew':
    'a time namespace shifts monotonic clocks but not the time of day, and etcd, a Go program without libc, ignores a preloaded library. app-clock shifts the time of day of a Node app',
}

/** A region whose app can have a fault inside, as far as known. */
function appRegion(input: FaultInput): string {
  const region = fullRegion(input)
  if (input.facts.appFaults === false) throw noPreload({ kind: input.kind, region })
  return region
}

function noPreload({ kind, region }: { kind: string; region: string }): Error {
  return new NearsideError(
    'fault_no_preload',
    `${kind}: the app in ${region} runs without the preload that this fault needs`,
    { remedy: 'run `nearside lab up --app-faults` (only for apps on Node); app-hang works with every app' },
  )
}

/** Combines faults: the largest share of errors counts; leaks and offsets add up. Undefined: no fault. Pure. */
export function controlOf(records: readonly Pick<FaultRecord, 'fault' | 'until'>[]): AppControl | undefined {
  if (records.length === 0) return undefined
  const control: AppControl = { until: Math.max(...records.map(({ until }) => until)) }
  for (const { fault } of records)
    if (isInsideApp(fault)) (insideFaults[fault.kind] as InsideDriver<InsideApp>).addTo(control, fault)
  return control
}

const isInsideApp = (fault: FaultValue): fault is InsideApp => Object.hasOwn(insideFaults, fault.kind)

function recordsOf(records: readonly FaultRecord[], region: string): FaultRecord[] {
  return records.filter(({ fault }) => isInsideApp(fault) && fault.region === region)
}
