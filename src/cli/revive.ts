import type { Command } from 'commander'
import { NearsideError } from '../lib/errors.ts'
import type { Region } from '../topology/regions.ts'
import { agentProcess, type StartedAgent, startAgent, workingAgent } from './agents.ts'
import { duration } from './format.ts'
import { hint } from './hint.ts'
import { onInterrupt } from './interrupt.ts'
import { healLeftFaults } from './lab/fault-world.ts'
import { locked } from './locked.ts'
import { action, exitCodes, type Output } from './output.ts'
import { durable, follows, type Look, untilServing } from './start.ts'
import { preflight } from './up/preflight.ts'
import { createProgress } from './up/progress.ts'
import {
  localRegions,
  regionNamed,
  regionStatus,
  unknown,
  type WorldHandle,
  type WorldOptions,
  worldOf,
} from './world.ts'

type Options = WorldOptions & { json?: boolean }

const examples = `
Example:
  nearside kill us-east && nearside revive us-east

Starts the region's agent again and returns when the region serves and its database follows the primary: what was not
yet in the other region is rewound, by copying the database anew if it has to be.
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
  await healLeftFaults(world, output, { starting: true })
  const agents = await locked(world.folder, 'revive', output, () => start(world, region), signal)
  if (!agents) return exitCodes.interrupted
  // Whoever holds the primary cannot wait for itself to be in step.
  const leads = (looks: readonly Look[]) => looks.some(({ status }) => status?.database?.role === 'primary')
  const inStep = (looks: readonly Look[]) => !region.full || leads(looks) || durable(world, looks)
  const enough = (looks: readonly Look[]) => looks.every(follows) && inStep(looks)
  const progress = createProgress(output, {
    title: `Reviving ${region.name}`,
    rest: (looks) => (enough(looks) ? undefined : 'its database comes into step with the primary'),
  })
  try {
    const mustComeTo = primaryMustCome(world, region)
    const onLook = (looks: readonly Look[]) => {
      progress.show(looks)
      mustComeTo(looks, performance.now())
    }
    await untilServing(world, [region], { agents, enough, onLook, signal })
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted
    throw error
  } finally {
    progress.end()
  }
  const seconds = (performance.now() - startedAt) / 1000
  const status = await regionStatus(world, region, 2000)
  const role = status?.database?.role
  output.result({ region: region.name, started: agents.size > 0, seconds, ...(role ? { role } : {}) })
  const what = agents.size > 0 ? 'is back' : 'runs'
  const does = region.serves ? 'it serves' : 'it votes'
  output.print(
    `${region.name} ${what}: ${does}${role ? `, its database is ${role === 'primary' ? 'the primary' : 'a replica'}` : ''} (${duration(seconds)})`,
  )
  return exitCodes.ok
}

/** Long enough for an election after Patroni's ttl. */
const primaryWithinMs = 45_000

/**
 * A replica that comes back alone has nobody to follow: the region that held the primary may have writes that it lacks,
 * so it does not take over. Waiting would never end; this says so.
 */
function primaryMustCome(world: WorldHandle, region: Region) {
  let since: number | undefined
  return (looks: readonly Look[], now: number): void => {
    const without = looks.some(({ status }) => status?.world && status.world.primary === undefined)
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
