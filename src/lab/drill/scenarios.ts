import { NearsideError } from '../../lib/errors.ts'
import { describeMs } from '../../lib/format.ts'
import type { ClusterFacts } from '../faults/cluster-facts.ts'
import type { Needs } from '../faults/driver.ts'
import type { RawFaultOptions } from '../faults/parse.ts'
import type { Fault } from '../faults/table.ts'
import type { Ground, Step } from './plan.ts'

/** The named scenarios of `nearside drill`. */

export type Scenario = {
  typed: string
  does: string
  needs: Needs
  steps: (drill: Drill) => { about: string; steps: Step[]; expects: string[] }
}

/** The input of a scenario. `fault` parses words like `nearside lab fault`. */
export type Drill = {
  words: readonly string[]
  options: RawFaultOptions
  /** Packets are dropped instead of refused. */
  unreachable: boolean
  forMs: number
  facts: ClusterFacts
  ground: Ground
  primary: () => string
  replicas: () => string[]
  fault: (kind: string, words?: readonly string[], more?: RawFaultOptions) => Fault
}

/** Longer than any failover, including Patroni's own TTL and two elections. */
const failoverLimitMs = 60_000
/** Longer than a base backup of a small database. */
export const settleLimitMs = 240_000

const inject = (fault: Fault, as = 'fault'): Step => ({ do: 'inject', fault, as })
const writes: Step = { do: 'until', what: 'writes', limitMs: failoverLimitMs }
const settled: Step = { do: 'until', what: 'settled', limitMs: settleLimitMs }
const heal: Step = { do: 'heal', which: 'fault' }

const nothingLost = 'no acknowledged write is lost and none is applied twice'
/** As in docs/internals/guarantees.md: no answer is guaranteed to a read in flight to what fails. */
const readsGoOn =
  'reads at the other edges continue from the remaining databases; requests in flight may fail'
const primaryReadsWait = 'reads from the primary (DATABASE_URL) wait for a new one, like writes'

/** One fault for its duration, then healed. */
const once = (fault: Fault, forMs: number, more: Step[] = []): Step[] => [
  inject(fault),
  ...more,
  { do: 'wait', ms: forMs },
  heal,
  settled,
]

export const scenarios = {
  'region-loss': {
    typed: '[REGION] [--unreachable]',
    does: 'a whole region fails and returns (default: the primary’s)',
    needs: 'anywhere',
    steps: ({ words, forMs, fault, primary, unreachable, ground }) => {
      const region = words[0] ?? primary()
      if (unreachable && ground === 'local') throw needsLab('region-loss --unreachable')
      const lost = unreachable ? fault('cut', [region], { from: 'all' }) : fault('kill-region', [region])
      const holdsPrimary = region === primary()
      return {
        about: `${region} ${unreachable ? 'becomes unreachable: all its packets are dropped' : 'is killed, like in a power failure,'} for ${describeMs(forMs)}${holdsPrimary ? '; it holds the primary' : ''}.`,
        steps: once(lost, forMs, [writes]),
        expects: [
          ...(holdsPrimary
            ? [
                'another region takes over the primary within seconds; writes elsewhere wait for it',
                primaryReadsWait,
              ]
            : []),
          readsGoOn,
          nothingLost,
        ],
      }
    },
  },
  'replica-loss': {
    typed: '[REGION]',
    does: 'a region with a replica is killed and returns',
    needs: 'anywhere',
    steps: ({ words, forMs, fault, replicas, primary, facts }) => {
      const region = words[0] ?? replicas()[0]
      if (region === undefined) throw none('replica', 'the world has one full region')
      const lost = fault('kill-region', [region])
      if (region === primary()) throw other('replica-loss', region, 'holds the primary', 'region-loss')
      if (!replicas().includes(region))
        throw other(
          'replica-loss',
          region,
          'holds no data',
          votes(facts, region) ? 'witness-loss' : 'region-loss',
        )
      return {
        about: `${region}, which has a replica, is killed for ${describeMs(forMs)}.`,
        steps: once(lost, forMs, [writes]),
        expects: [
          'writes wait until the primary drops that replica, then continue with one copy (at risk)',
          readsGoOn,
          nothingLost,
        ],
      }
    },
  },
  'witness-loss': {
    typed: '[REGION]',
    does: 'a witness region is killed and returns',
    needs: 'anywhere',
    steps: ({ words, forMs, fault, facts }) => {
      const witnesses = facts.regions.filter((one) => one.votes && !one.full).map((one) => one.name)
      const region = words[0] ?? witnesses[0]
      if (region === undefined) throw none('witness', 'every voting region holds data')
      const lost = fault('kill-region', [region])
      if (!witnesses.includes(region)) {
        const [why, better] = !votes(facts, region)
          ? ['does not vote', 'region-loss']
          : ['holds data', region === facts.primary ? 'region-loss' : 'replica-loss']
        throw other('witness-loss', region, why!, better!)
      }
      return {
        about: `${region} is killed for ${describeMs(forMs)}.`,
        steps: once(lost, forMs, [writes]),
        expects: ['users notice nothing', nothingLost],
      }
    },
  },
  'primary-crash': {
    typed: '',
    does: 'the primary’s PostgreSQL and Patroni are killed; the rest of the region keeps running',
    needs: 'anywhere',
    steps: ({ fault, primary, forMs }) => {
      const region = primary()
      const least = Math.min(forMs, 10_000)
      return {
        about: `PostgreSQL and Patroni in ${region} are killed; its agent restarts them.`,
        steps: once(fault('kill-process', [region, 'postgres']), least, [writes]),
        expects: ['writes wait until it is back or another region has taken over', nothingLost],
      }
    },
  },
  partition: {
    typed: '[REGION]',
    does: 'a region is cut off from all other regions but not from its users (default: the primary’s)',
    needs: 'lab',
    steps: ({ words, forMs, fault, primary }) => {
      const region = words[0] ?? primary()
      return {
        about: `${region} is cut off from all other regions for ${describeMs(forMs)}; its users can still reach it.`,
        steps: once(fault('cut', [region]), forMs, [writes]),
        expects: [
          'the isolated region acknowledges nothing, even if it believes that it is the primary',
          'the other regions continue, with a new primary if necessary',
          nothingLost,
        ],
      }
    },
  },
  'one-way-cut': {
    typed: '[REGION] [--direction out|in]',
    does: 'a region’s outbound (out) or inbound (in) packets are dropped',
    needs: 'lab',
    steps: ({ words, forMs, fault, primary, options }) => {
      const region = words[0] ?? primary()
      if (options.direction === 'both')
        throw new NearsideError('usage_direction', '--direction: expected out or in, got "both"', {
          remedy: `for both directions, run: nearside drill partition ${region}`,
        })
      const cut = fault('cut', [region], { direction: options.direction ?? 'out' })
      return {
        about: `${region} is cut off in one direction for ${describeMs(forMs)}.`,
        steps: once(cut, forMs, [writes]),
        expects: ['same as a partition, because connections need both directions', nothingLost],
      }
    },
  },
  'slow-link': {
    typed: '[REGION REGION] [--delay 100ms] [--jitter 0ms] [--rate 10mbit]',
    does: 'the link between two regions becomes slow (default: the primary’s and its replica’s)',
    needs: 'lab',
    steps: ({ words, forMs, fault, primary, replicas }) => {
      const pair = words.length > 0 ? words : [primary(), replicas()[0] ?? '']
      return {
        about: `the link between ${pair.join(' and ')} becomes slow for ${describeMs(forMs)}.`,
        steps: once(fault('slow-link', pair), forMs),
        expects: ['writes take longer by the round trip; no region is reported unreachable', nothingLost],
      }
    },
  },
  'lossy-link': {
    typed: '[REGION REGION] [--loss 5%]',
    does: 'the link between two regions drops packets',
    needs: 'lab',
    steps: ({ words, forMs, fault, primary, replicas }) => {
      const pair = words.length > 0 ? words : [primary(), replicas()[0] ?? '']
      return {
        about: `the link between ${pair.join(' and ')} drops packets for ${describeMs(forMs)}.`,
        steps: once(fault('lossy-link', pair), forMs),
        expects: ['some writes take longer; no region is reported unreachable', nothingLost],
      }
    },
  },
  'etcd-quorum': {
    typed: '[--members REGION,REGION]',
    does: 'a majority of etcd’s members is paused, so agents cannot make decisions',
    needs: 'anywhere',
    steps: ({ forMs, fault }) => ({
      about: `a majority of etcd’s members is paused for ${describeMs(forMs)}; all databases keep running.`,
      steps: once(fault('etcd-quorum'), forMs, [writes]),
      expects: ['reads and writes continue, because every database answers the primary', nothingLost],
    }),
  },
  'agents-loss': {
    typed: '',
    does: 'every agent is killed and restarted at the end',
    needs: 'anywhere',
    steps: ({ forMs, fault, facts }) => ({
      about: `every agent is killed; for ${describeMs(forMs)} nothing supervises processes or makes decisions.`,
      steps: [
        ...facts.regions.map(({ name }) => inject(fault('kill-process', [name, 'agent']), name)),
        { do: 'wait', ms: forMs },
        ...facts.regions.map(({ name }): Step => ({ do: 'heal', which: name })),
        settled,
      ],
      expects: ['users’ reads and writes are served without an error', nothingLost],
    }),
  },
  'rolling-restart': {
    typed: '',
    does: 'regions are stopped cleanly and started again, one after another, the primary’s last',
    needs: 'anywhere',
    steps: ({ fault, primary, facts }) => {
      const names = facts.regions.map(({ name }) => name)
      const last = primary()
      const order = [...names.filter((name) => name !== last), last]
      return {
        about: `${order.join(', ')} are restarted cleanly, one after another.`,
        steps: order.flatMap((name): Step[] => [inject(fault('restart-region', [name]), name), settled]),
        expects: ['writes wait while the primary moves', primaryReadsWait, readsGoOn, nothingLost],
      }
    },
  },
  'stale-replica': {
    typed: '[REGION]',
    does: 'a replica receives WAL but does not replay it, so its reads are stale',
    needs: 'anywhere',
    steps: ({ words, forMs, fault, replicas }) => {
      const region = words[0] ?? replicas()[0]
      if (region === undefined) throw none('replica', 'the world has one full region')
      return {
        about: `the replica in ${region} does not replay WAL for ${describeMs(forMs)}.`,
        steps: once(fault('replay-paused', [region]), forMs),
        expects: ['writes continue; reads from that replica become stale', nothingLost],
      }
    },
  },
  'disk-full': {
    typed: '[REGION]',
    does: 'the disk of a region’s database is full for a while (default: the primary’s)',
    needs: 'lab with --small-disk',
    steps: ({ words, forMs, fault, primary }) => {
      const region = words[0] ?? primary()
      return {
        about: `the disk of the database in ${region} is full for ${describeMs(forMs)}.`,
        steps: once(fault('disk-full', [region]), forMs),
        expects: ['no write is acknowledged without being stored', nothingLost],
      }
    },
  },
  'app-hang': {
    typed: '[REGION]',
    does: 'every instance of a region’s app hangs (default: the primary’s region)',
    needs: 'anywhere',
    steps: ({ words, forMs, fault, primary }) => {
      const region = words[0] ?? primary()
      return {
        about: `the app in ${region} hangs for ${describeMs(forMs)}.`,
        steps: once(fault('app-hang', [region]), forMs),
        expects: ['once its health check has failed, other regions serve its users', nothingLost],
      }
    },
  },
  'app-500': {
    typed: '[REGION] [--share 100%]',
    does: 'a region’s app answers 500, also to health checks',
    needs: 'lab with --app-faults',
    steps: ({ words, forMs, fault, primary }) => {
      const region = words[0] ?? primary()
      return {
        about: `the app in ${region} answers 500 for ${describeMs(forMs)}.`,
        steps: once(fault('app-500', [region]), forMs),
        expects: ['once its health check has failed, other regions serve its users', nothingLost],
      }
    },
  },
} satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios
export const scenarioNames = Object.keys(scenarios) as ScenarioName[]

export const needsLab = (scenario: string) =>
  new NearsideError(
    'drill_needs_lab',
    `${scenario}: a world on this machine’s own addresses has no network to cut`,
    { remedy: 'run `nearside lab up` to start the same world in a lab (root, Linux)' },
  )

const none = (what: string, why: string) =>
  new NearsideError('drill_no_region', `no ${what}: ${why}`, {
    remedy: 'see `nearside drill --list` for the scenarios and `nearside status` for the regions',
  })

/** The region needs another scenario. */
const other = (scenario: string, region: string, why: string, better: string) =>
  new NearsideError('usage_drill_region', `${scenario}: ${region} ${why}`, {
    remedy: `run: nearside drill ${better} ${region}`,
  })

const votes = ({ regions }: ClusterFacts, region: string) =>
  regions.some(({ name, votes }) => name === region && votes)
