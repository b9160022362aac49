import fc from 'fast-check'
import {
  type DecisionInput,
  type Observation,
  type Policy,
  probes,
  type RegionHealth,
  type View,
} from '../../src/failover/types.ts'
import { defaultPolicy } from '../../src/failover/verdict.ts'

/** Inputs of the decision: written by hand, and arbitrary ones for property tests. */

export const policy: Policy = defaultPolicy({ suspectMs: 2000, probeMs: 500, automatic: true })

type RegionInput = DecisionInput['regions'][number]
const full = (name: string): RegionInput => ({ name, votes: true, full: true, serves: true })
const witness = (name: string): RegionInput => ({ name, votes: true, full: false, serves: false })
export const edge = (name: string): RegionInput => ({ name, votes: false, full: false, serves: true })

/** Two full regions and a witness, the primary in us-east. */
export const threeRegions = [full('us-east'), full('us-west'), witness('us-central')]

const viewOf = (region: RegionInput, seen: { ok: boolean; forMs: number }): View => ({
  ...(region.serves ? { edge: seen, app: seen } : {}),
  ...(region.full ? { patroni: seen } : {}),
  ...(region.votes ? { etcd: seen } : {}),
})

/** One vantage's report on a region: every probe dead or alive for that many ms, or each probe by name. */
type Report = { dead: number } | { alive: number } | View

/** `{ 'us-west': { 'us-east': { dead: 2000 } } }`: us-west has had no answer from us-east for 2 s. */
export function worldWith(
  reports: Record<string, Record<string, Report>>,
  changes: Partial<DecisionInput> & { ageMs?: Record<string, number> } = {},
): DecisionInput {
  const { ageMs = {}, ...rest } = changes
  const regions = rest.regions ?? threeRegions
  const observations: Record<string, Observation> = {}
  for (const [vantage, views] of Object.entries(reports)) {
    const seen: Record<string, View> = {}
    for (const [name, about] of Object.entries(views)) {
      const region = regions.find((one) => one.name === name)!
      if ('dead' in about) seen[name] = viewOf(region, { ok: false, forMs: about.dead })
      else if ('alive' in about) seen[name] = viewOf(region, { ok: true, forMs: about.alive })
      else seen[name] = about
    }
    observations[vantage] = { ageMs: ageMs[vantage] ?? 0, seen }
  }
  return {
    self: regions[0]!.name,
    regions,
    policy,
    observations,
    health: {},
    served: regions.map(({ name }) => name),
    leader: { region: 'us-east', lease: '71', modRevision: '9' },
    sync: { leader: 'us-east', standbys: ['us-west'] },
    etcdLeader: undefined,
    ...rest,
  }
}

const anySeen = fc.record({ ok: fc.boolean(), forMs: fc.nat({ max: 10_000 }) })
const anyView: fc.Arbitrary<View> = fc.record(
  Object.fromEntries(probes.map((probe) => [probe, anySeen])) as Record<
    (typeof probes)[number],
    typeof anySeen
  >,
  { requiredKeys: [] },
)

const anyRoles = fc.array(fc.constantFrom(full, full, witness, edge), { minLength: 1, maxLength: 7 })

/**
 * One to seven regions of any role, any agreed health, and observations of any age. Most vantages observe the true
 * state of a region; otherwise they would hardly ever agree.
 */
export const anyWorld: fc.Arbitrary<DecisionInput> = anyRoles
  .chain((roles) => {
    const regions = roles.map((role, index) => role(`r${index + 1}`))
    const names = regions.map(({ name }) => name)
    const anyName = fc.constantFrom(...names)
    return fc
      .record({ truth: fc.tuple(...regions.map(anyTruth)), automatic: fc.boolean() })
      .chain(({ truth, automatic }) => {
        const seen = fc.record(
          Object.fromEntries(
            names.map((name, index) => [
              name,
              fc.oneof(
                { weight: 4, arbitrary: fc.constant(truth[index]!) },
                { weight: 1, arbitrary: anyView },
              ),
            ]),
          ),
          { requiredKeys: names.filter((_, index) => index % 3 !== 2) },
        )
        const age = fc.oneof(
          { weight: 5, arbitrary: fc.nat({ max: policy.freshMs }) },
          { weight: 1, arbitrary: fc.integer({ min: policy.freshMs + 1, max: 60_000 }) },
        )
        const observation: fc.Arbitrary<Observation> = fc.record({ ageMs: age, seen })
        return fc.record({
          self: anyName,
          regions: fc.constant(regions),
          policy: fc.constant({ ...policy, automatic }),
          observations: fc.record(Object.fromEntries(names.map((name) => [name, observation])), {
            requiredKeys: names.filter((_, index) => index % 2 === 0),
          }),
          health: fc.dictionary(anyName, anyHealth),
          served: fc.uniqueArray(anyName),
          leader: fc.option(
            fc.record({ region: anyName, lease: fc.nat().map(String), modRevision: fc.nat().map(String) }),
            { nil: undefined },
          ),
          sync: fc.record(
            { leader: anyName, standbys: fc.uniqueArray(anyName, { maxLength: 2 }) },
            { requiredKeys: ['standbys'] },
          ),
          etcdLeader: fc.option(anyName, { nil: undefined }),
        })
      })
  })
  // Plain objects as in the agent; those of fast-check have no prototype.
  .map((world) => structuredClone(world))

const anyHealth = fc.record({
  state: fc.constantFrom<RegionHealth>('healthy', 'unhealthy', 'unreachable'),
  revision: fc.nat().map(String),
})

/** Up, down, or up without its app, for durations around those that the policy waits for. */
function anyTruth(region: RegionInput): fc.Arbitrary<View> {
  return fc
    .record({ how: fc.constantFrom('up', 'down', 'no app'), forMs: fc.integer({ min: 1500, max: 8000 }) })
    .map(({ how, forMs }) => {
      const view = viewOf(region, { ok: how !== 'down', forMs })
      return how === 'no app' && view.app ? { ...view, app: { ok: false, forMs } } : view
    })
}
