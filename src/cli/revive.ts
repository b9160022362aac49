import type { Command } from 'commander'
import { unknown } from '../lib/did-you-mean.ts'
import { NearsideError } from '../lib/errors.ts'
import { duration } from '../lib/format.ts'
import type { Region } from '../topology/regions.ts'
import { agentProcess, type StartedAgent, startAgent, workingAgent } from '../world/agents.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed, regionStatus, type WorldHandle } from '../world/handle.ts'
import { localRegions } from '../world/here.ts'
import { locked } from '../world/lock.ts'
import { preflight } from '../world/preflight.ts'
import { durable, follows, type Sample, untilServing } from '../world/start.ts'
import { hint } from './hint.ts'
import { onInterrupt } from './interrupt.ts'
import { healLeftFaults } from './left-faults.ts'
import { action, exitCodes, type Output } from './output.ts'
import { createProgress } from './up/progress.ts'

type Options = WorldOptions & { json?: boolean }

const examples = `
Example:
  nearside kill us-east && nearside revive us-east

Starts the region's agent again and returns when the region serves, its database follows the primary and the agents
agree that it is healthy, so that DNS names it. What was not yet in the other region is rewound; a database that cannot be,
or that was away for too long, is copied anew, which takes as long as copying it does.
Exit codes: 0 it serves, 1 it could not be started, 2 wrong usage, 130 interrupted (it goes on coming back).`

export function reviveCommand(program: Command): void {
  program
    .command('revive')
    .description('bring a killed region of this machine back')
    .argument('<region>', 'which')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const world = await worldOf(options)
        const region = regionNamed(world, args[0]!)
        const here = localRegions(world)
        if (!here.includes(region))
          unknown(
            'region',
            region.name,
            here.map((one) => one.name),
          )
        return revive(world, region, output)
      }),
    )
}

async function revive(world: WorldHandle, region: Region, output: Output): Promise<number> {
  const startedAt = performance.now()
  const { signal } = onInterrupt(output, 'leave')
  await healLeftFaults(world, output.note, { starting: true })
  const agents = await locked(world.folder, 'revive', output.note, () => start(world, region), signal)
  if (!agents) return exitCodes.interrupted
  const back = whenBack(world, region)
  const progress = createProgress(output, {
    title: `Reviving ${region.name}`,
    rest: (samples) => waitsFor(back(samples, performance.now()), samples),
  })
  try {
    const mustComeTo = primaryMustCome(world, region)
    const onSample = (samples: readonly Sample[]) => {
      progress.show(samples)
      mustComeTo(samples, performance.now())
    }
    const enough = (samples: readonly Sample[]) => back(samples, performance.now()) === 'back'
    await untilServing(world, [region], { agents, enough, onSample, signal })
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted
    throw error
  } finally {
    progress.end()
  }
  const seconds = (performance.now() - startedAt) / 1000
  const status = await regionStatus(world, region, 2000)
  const role = status?.database?.role
  const health = status?.world?.health[region.name]
  output.result({
    region: region.name,
    started: agents.size > 0,
    seconds,
    ...(role ? { role } : {}),
    ...(health ? { health } : {}),
  })
  const what = agents.size > 0 ? 'is back' : 'runs'
  const does = region.serves ? 'it serves' : 'it votes'
  output.print(
    `${region.name} ${what}: ${does}${role ? `, its database is ${role === 'primary' ? 'the primary' : 'a replica'}` : ''} (${duration(seconds)})`,
  )
  if (health !== undefined && health !== 'healthy')
    output.note(
      `the agents call it ${health} still, so DNS does not name it: ${hint(world, 'status')} says why`,
    )
  return exitCodes.ok
}

type Back = 'database' | 'health' | 'back'

/** A healthy region is called healthy after twice `suspectMs`, and some samples. One that stays unhealthy is told as such. */
const healthyWithinMs = 30_000

/** What is still missing of a region that runs. Pure, but for remembering since when only its health is. */
export function whenBack(world: WorldHandle, region: Region) {
  // Whoever holds the primary cannot wait for itself to be in sync.
  const leads = (samples: readonly Sample[]) =>
    samples.some(({ status }) => status?.database?.role === 'primary')
  const inSync = (samples: readonly Sample[]) => !region.full || leads(samples) || durable(world, samples)
  const healthy = (samples: readonly Sample[]) =>
    samples.some(({ status }) => status?.world?.health[region.name] === 'healthy')
  let since: number | undefined
  return (samples: readonly Sample[], now: number): Back => {
    if (!samples.every(follows) || !inSync(samples)) return 'database'
    since ??= now
    return healthy(samples) || now - since >= healthyWithinMs ? 'back' : 'health'
  }
}

/** In words, for who waits. Pure. */
export function waitsFor(missing: Back, samples: readonly Sample[]): string | undefined {
  if (missing === 'back') return undefined
  if (missing === 'health') return 'the agents agree that it is healthy'
  return samples.some(({ status }) => status?.database?.missingWal !== undefined)
    ? 'the primary has no more the WAL that its database needs: it is copied anew'
    : 'its database comes into step with the primary'
}

/** Long enough for an election after Patroni's ttl. */
const primaryWithinMs = 45_000

/**
 * A replica that comes back alone has nobody to follow: the region that held the primary may have writes that it lacks,
 * so it does not take over. Waiting would never end; this says so.
 */
function primaryMustCome(world: WorldHandle, region: Region) {
  let since: number | undefined
  return (samples: readonly Sample[], now: number): void => {
    const without = samples.some(({ status }) => status?.world && status.world.primary === undefined)
    since = without ? (since ?? now) : undefined
    if (since === undefined || now - since < primaryWithinMs) return
    const dead = localRegions(world).filter(
      (one) => one.full && one !== region && agentProcess(world, one) === undefined,
    )
    throw new NearsideError(
      'no_primary',
      `${region.name} runs, but no region holds the primary that it could follow`,
      {
        remedy: dead.map((one) => hint(world, `revive ${one.name}`)).join('\n') || hint(world, 'status'),
      },
    )
  }
}

async function start(world: WorldHandle, region: Region): Promise<Map<string, StartedAgent>> {
  if (await workingAgent(world, region)) return new Map()
  await preflight(world, [region])
  return new Map([[region.name, await startAgent(world, region)]])
}
