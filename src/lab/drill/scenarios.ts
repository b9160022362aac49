import { NearsideError } from '../../lib/errors.ts'
import { describeMs } from '../../lib/format.ts'
import type { ClusterFacts } from '../faults/cluster-facts.ts'
import type { Needs } from '../faults/driver.ts'
import type { RawFaultOptions } from '../faults/parse.ts'
import type { Fault } from '../faults/table.ts'
import type { Ground, Step } from './plan.ts'

/** Every rehearsal that has a name. */

export type Scenario = {
  typed: string
  does: string
  needs: Needs
  steps: (drill: Drill) => { about: string; steps: Step[]; expects: string[] }
}

/** What a scenario is made from. `fault` reads words as `nearside lab fault` does. */
export type Drill = {
  words: readonly string[]
  options: RawFaultOptions
  /** Lost without a sound: packets vanish instead of being refused. */
  unreachable: boolean
  forMs: number
  facts: ClusterFacts
  ground: Ground
  primary: () => string
  replicas: () => string[]
  fault: (kind: string, words?: readonly string[], more?: RawFaultOptions) => Fault
}

/** Longer than any failover, with Patroni's own ttl and two elections in it. */
const failoverLimitMs = 60_000
/** Longer than copying a small database anew. */
export const settleLimitMs = 240_000

const inject = (fault: Fault, as = 'fault'): Step => ({ do: 'inject', fault, as })
const writes: Step = { do: 'until', what: 'writes', limitMs: failoverLimitMs }
const settled: Step = { do: 'until', what: 'settled', limitMs: settleLimitMs }
const heal: Step = { do: 'heal', which: 'fault' }

const nothingLost = 'nothing acknowledged is lost, nothing is applied twice'
/** What docs/internals/guarantees.md promises: no read is promised an answer that was under way to what is lost. */
const readsGoOn =
  'reads at the other edges go on from the databases that live; what was under way may break off'
const primaryReadsWait = 'reads that ask the primary (DATABASE_URL) wait for one, as writes do'

/** One fault, as long as it is to last, then healed. */
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
    does: 'a whole region is gone at once, and comes back (default: the primary’s)',
    needs: 'anywhere',
    steps: ({ words, forMs, fault, primary, unreachable, ground }) => {
      const region = words[0] ?? primary()
      if (unreachable && ground === 'local') throw needsLab('region-loss --unreachable')
      const lost = unreachable ? fault('cut', [region], { from: 'all' }) : fault('kill-region', [region])
      const holdsPrimary = region === primary()
      return {
        about: `${region} ${unreachable ? 'becomes unreachable: no packet comes or goes' : 'is killed as by a power cut'} for ${describeMs(forMs)}${holdsPrimary ? '; it holds the primary' : ''}.`,
        steps: once(lost, forMs, [writes]),
        expects: [
          ...(holdsPrimary
            ? [
                'another region holds the primary within seconds; writes elsewhere wait for it',
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
    does: 'a region with a replica is killed, and comes back',
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
          'writes wait until the primary no longer counts on that replica, then go on with one copy (at risk)',
          readsGoOn,
          nothingLost,
        ],
      }
    },
  },
  'witness-loss': {
    typed: '[REGION]',
    does: 'a region that only votes is killed, and comes back',
    needs: 'anywhere',
    steps: ({ words, forMs, fault, facts }) => {
      const witnesses = facts.regions.filter((one) => one.votes && !one.full).map((one) => one.name)
      const region = words[0] ?? witnesses[0]
      if (region === undefined) throw none('witness', 'every voting region holds data')
      const lost = fault('kill-region', [region])
      if (!witnesses.includes(region)) {
        const [why, fits] = !votes(facts, region)
          ? ['does not vote', 'region-loss']
          : ['holds data', region === facts.primary ? 'region-loss' : 'replica-loss']
        throw other('witness-loss', region, why!, fits!)
      }
      return {
        about: `${region} is killed for ${describeMs(forMs)}.`,
        steps: once(lost, forMs, [writes]),
        expects: ['nobody notices', nothingLost],
      }
    },
  },
  'primary-crash': {
    typed: '',
    does: 'the primary’s database server and its Patroni die at once; the region lives',
    needs: 'anywhere',
    steps: ({ fault, primary, forMs }) => {
      const region = primary()
      const least = Math.min(forMs, 10_000)
      return {
        about: `PostgreSQL and Patroni in ${region} are killed; the agent there starts them again.`,
        steps: once(fault('kill-process', [region, 'postgres']), least, [writes]),
        expects: ['writes wait until it is back, or until another region has taken over', nothingLost],
      }
    },
  },
  partition: {
    typed: '[REGION]',
    does: 'a region is cut off from all other regions and still has its users (default: the primary’s)',
    needs: 'lab',
    steps: ({ words, forMs, fault, primary }) => {
      const region = words[0] ?? primary()
      return {
        about: `${region} is cut off from all other regions for ${describeMs(forMs)}; its users still reach it.`,
        steps: once(fault('cut', [region]), forMs, [writes]),
        expects: [
          'the region that is cut off acknowledges nothing, whatever it thinks it is',
          'the others go on, with a new primary if need be',
          nothingLost,
        ],
      }
    },
  },
  'one-way-cut': {
    typed: '[REGION] [--direction out|in]',
    does: 'what a region says does not arrive (out), or it hears nothing (in)',
    needs: 'lab',
    steps: ({ words, forMs, fault, primary, options }) => {
      const region = words[0] ?? primary()
      if (options.direction === 'both')
        throw new NearsideError('usage_direction', '--direction: expected out or in, got "both"', {
          remedy: `both ways: nearside drill partition ${region}`,
        })
      const cut = fault('cut', [region], { direction: options.direction ?? 'out' })
      return {
        about: `${region} is cut off one way for ${describeMs(forMs)}.`,
        steps: once(cut, forMs, [writes]),
        expects: ['half a connection is no connection: as a partition', nothingLost],
      }
    },
  },
  'slow-link': {
    typed: '[REGION REGION] [--delay 100ms] [--jitter 0ms] [--rate 10mbit]',
    does: 'the link between two regions gets slower (default: the primary’s to its replica)',
    needs: 'lab',
    steps: ({ words, forMs, fault, primary, replicas }) => {
      const pair = words.length > 0 ? words : [primary(), replicas()[0] ?? '']
      return {
        about: `the link between ${pair.join(' and ')} gets slower for ${describeMs(forMs)}.`,
        steps: once(fault('slow-link', pair), forMs),
        expects: ['writes take longer, by the round trip; nobody is called lost for it', nothingLost],
      }
    },
  },
  'lossy-link': {
    typed: '[REGION REGION] [--loss 5%]',
    does: 'the link between two regions loses packets',
    needs: 'lab',
    steps: ({ words, forMs, fault, primary, replicas }) => {
      const pair = words.length > 0 ? words : [primary(), replicas()[0] ?? '']
      return {
        about: `the link between ${pair.join(' and ')} loses packets for ${describeMs(forMs)}.`,
        steps: once(fault('lossy-link', pair), forMs),
        expects: ['some writes take longer; nobody is called lost for it', nothingLost],
      }
    },
  },
  'etcd-quorum': {
    typed: '[--members REGION,REGION]',
    does: 'a majority of etcd’s members stands still, so nothing can be decided',
    needs: 'anywhere',
    steps: ({ forMs, fault }) => ({
      about: `a majority of etcd stands still for ${describeMs(forMs)}; every database lives.`,
      steps: once(fault('etcd-quorum'), forMs, [writes]),
      expects: ['reads and writes go on, because every database answers the primary', nothingLost],
    }),
  },
  'agents-loss': {
    typed: '',
    does: 'every agent is killed; they are started again at the end',
    needs: 'anywhere',
    steps: ({ forMs, fault, facts }) => ({
      about: `every agent is killed; for ${describeMs(forMs)} nobody supervises or decides.`,
      steps: [
        ...facts.regions.map(({ name }) => inject(fault('kill-process', [name, 'agent']), name)),
        { do: 'wait', ms: forMs },
        ...facts.regions.map(({ name }): Step => ({ do: 'heal', which: name })),
        settled,
      ],
      expects: ['users are served, reads and writes, without an error', nothingLost],
    }),
  },
  'rolling-restart': {
    typed: '',
    does: 'one region after the other is stopped in good order and started again, the primary’s last',
    needs: 'anywhere',
    steps: ({ fault, primary, facts }) => {
      const names = facts.regions.map(({ name }) => name)
      const last = primary()
      const order = [...names.filter((name) => name !== last), last]
      return {
        about: `${order.join(', ')} are restarted in good order, one after the other.`,
        steps: order.flatMap((name): Step[] => [inject(fault('restart-region', [name]), name), settled]),
        expects: ['writes wait while the primary moves', primaryReadsWait, readsGoOn, nothingLost],
      }
    },
  },
  'stale-replica': {
    typed: '[REGION]',
    does: 'a replica keeps what it gets and shows none of it: what do its readers see?',
    needs: 'anywhere',
    steps: ({ words, forMs, fault, replicas }) => {
      const region = words[0] ?? replicas()[0]
      if (region === undefined) throw none('replica', 'the world has one full region')
      return {
        about: `the replica in ${region} stops replaying for ${describeMs(forMs)}.`,
        steps: once(fault('replay-paused', [region]), forMs),
        expects: ['writes go on; reads at that replica grow old', nothingLost],
      }
    },
  },
  'disk-full': {
    typed: '[REGION]',
    does: 'the disk of a region’s database is full, and then is not (default: the primary’s)',
    needs: 'lab with --small-disk',
    steps: ({ words, forMs, fault, primary }) => {
      const region = words[0] ?? primary()
      return {
        about: `the disk of the database in ${region} is full for ${describeMs(forMs)}.`,
        steps: once(fault('disk-full', [region]), forMs),
        expects: ['no write is acknowledged that is not kept', nothingLost],
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
        expects: ['once its health check has failed, its users are served by other regions', nothingLost],
      }
    },
  },
  'app-500': {
    typed: '[REGION] [--share 100%]',
    does: 'a region’s app answers 500, its health check included',
    needs: 'lab with --app-faults',
    steps: ({ words, forMs, fault, primary }) => {
      const region = words[0] ?? primary()
      return {
        about: `the app in ${region} answers 500 for ${describeMs(forMs)}.`,
        steps: once(fault('app-500', [region]), forMs),
        expects: ['once its health check has failed, its users are served by other regions', nothingLost],
      }
    },
  },
} satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios
export const scenarioNames = Object.keys(scenarios) as ScenarioName[]

export const needsLab = (scenario: string) =>
  new NearsideError(
    'drill_needs_lab',
    `${scenario}: a world on this machine’s own addresses has no network that could be cut`,
    { remedy: 'nearside lab up starts the same world with one (root, Linux)' },
  )

const none = (what: string, why: string) =>
  new NearsideError('drill_no_region', `no ${what}: ${why}`, {
    remedy: 'nearside drill --list says what each scenario is about; nearside status shows the regions',
  })

/** A region that another scenario is meant for. */
const other = (scenario: string, region: string, why: string, fits: string) =>
  new NearsideError('usage_drill_region', `${scenario}: ${region} ${why}`, {
    remedy: `nearside drill ${fits} ${region}`,
  })

const votes = ({ regions }: ClusterFacts, region: string) =>
  regions.some(({ name, votes }) => name === region && votes)
