import type { Command } from 'commander'
import type { DatabaseState } from '../agent/database/monitor.ts'
import { duration } from '../lib/format.ts'
import type { Region } from '../topology/regions.ts'
import { recordCommand } from '../world/events.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed, regionStatus, type WorldHandle } from '../world/handle.ts'
import { localRegions } from '../world/here.ts'
import { hint } from '../world/hint.ts'
import { locked } from '../world/lock.ts'
import { primaryMustCome, startRegion, waitsFor, whenBack } from '../world/revive.ts'
import { type Sample, untilServing } from '../world/start.ts'
import { onInterrupt } from './interrupt.ts'
import { healLeftFaults } from './left-faults.ts'
import { action, exitCodes, type Output } from './output.ts'
import { createProgress } from './up/progress.ts'

type Options = WorldOptions & { json?: boolean }

const examples = `
Example:
  nearside kill us-east && nearside revive us-east

Starts the region's agent and returns once the region serves, its database
replicates and the agents agree that it is healthy, so that DNS names it again.
If only that agreement is missing for 30 s, it returns with a note.
Writes that never left the region are rewound. A replica that cannot rewind, or
whose WAL is gone, is copied again, which takes time.
Exit codes: 0 it serves, 1 could not start, 2 usage error,
130 interrupted (the region keeps starting).`

export function reviveCommand(program: Command): void {
  program
    .command('revive')
    .description('restart a killed region')
    .argument('<region>', 'region to start')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const world = await worldOf(options)
        return revive(world, regionNamed(world, args[0]!, localRegions(world)), output)
      }),
    )
}

async function revive(world: WorldHandle, region: Region, output: Output): Promise<number> {
  const startedAt = performance.now()
  const { signal } = onInterrupt(output, 'leave')
  await healLeftFaults(world, output.note, { starting: true })
  const agents = await locked(world.folder, 'revive', output.note, () => startRegion(world, region), signal)
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
  if (agents.size > 0) await recordCommand(world, 'revive', [region.name])
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
  output.print(backText(region, { started: agents.size > 0, role, seconds }))
  if (health !== undefined && health !== 'healthy')
    output.note(
      `the agents still report it as ${health}, so DNS does not name it; see \`${hint(world, 'status')}\``,
    )
  return exitCodes.ok
}

type Return = { started: boolean; role: DatabaseState['role'] | undefined; seconds: number }

/** Pure. */
export function backText(
  { name, serves }: Pick<Region, 'name' | 'serves'>,
  { started, role, seconds }: Return,
): string {
  const what = started ? 'is back' : 'runs'
  const does = serves ? 'it serves users' : 'it votes'
  const database = role ? ` and its database is ${role === 'primary' ? 'the primary' : 'a replica'}` : ''
  return `${name} ${what}: ${does}${database} (${duration(seconds)})`
}
