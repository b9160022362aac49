import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { unknown } from '../lib/did-you-mean.ts'
import { NearsideError } from '../lib/errors.ts'
import { duration } from '../lib/format.ts'
import type { Region } from '../topology/regions.ts'
import { agentProcess, endAgent, startAgent } from '../world/agents.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed, regionStatus, type WorldHandle } from '../world/handle.ts'
import { isHere } from '../world/here.ts'
import { locked } from '../world/lock.ts'
import { logTail, untilServing } from '../world/start.ts'
import { action, exitCodes, type Output } from './output.ts'

type Options = WorldOptions & { json?: boolean }

const examples = `
Examples:
  nearside restart us-west app-0        also what was given up after failing again and again
  nearside restart us-west agent        its engines go on meanwhile

Exit codes: 0 it is ready again, 1 it is not, 2 wrong usage.`

export function restartCommand(program: Command): void {
  program
    .command('restart')
    .description('restart one process of a region, or its agent')
    .argument('<region>', 'where')
    .argument('<process>', 'as nearside status --verbose names it, or agent')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const world = await worldOf(options)
        const region = regionNamed(world, args[0]!)
        const name = args[1]!
        const startedAt = performance.now()
        if (name === 'agent') await restartAgent(world, region, output)
        else await restartProcess(world, region, name, output)
        const seconds = (performance.now() - startedAt) / 1000
        output.result({ region: region.name, process: name, seconds })
        output.print(`${region.name}/${name} is ready again (${duration(seconds)})`)
        return exitCodes.ok
      }),
    )
}

async function restartProcess(
  world: WorldHandle,
  region: Region,
  name: string,
  output: Output,
): Promise<void> {
  const before = await world.call<{ processes: { name: string; state: string; why?: string }[] }>(
    region,
    'GET',
    '/v1/status',
  )
  const found = before.processes.find((one) => one.name === name)
  if (!found) unknown('process', name, [...before.processes.map((one) => one.name), 'agent'])
  if (found.state === 'waiting')
    throw new NearsideError(
      'process_waits',
      `${region.name}/${name} has not started yet: it waits ${found.why ?? ''}`.trim(),
      {
        remedy: `nearside status --verbose`,
      },
    )
  output.note(`Restarting ${region.name}/${name}`)
  await world.call(region, 'POST', '/v1/restart', { process: name }, 700_000)
  for (;;) {
    const status = await regionStatus(world, region, 2000)
    const one = status?.processes.find((process) => process.name === name)
    if (one?.state === 'ready') return
    if (!status || one?.state === 'gaveUp')
      throw new NearsideError(
        status ? 'process_gave_up' : 'agent_unreachable',
        `${region.name}/${name}: ${one?.why ?? 'its agent does not answer any more'}${await logTail(world, region.name, name)}`,
        { remedy: `nearside logs ${region.name} ${name}` },
      )
    await sleep(100)
  }
}

async function restartAgent(world: WorldHandle, region: Region, output: Output): Promise<void> {
  if (!isHere(world, region))
    throw new NearsideError(
      'region_elsewhere',
      `${region.name}: ${region.address} is not an address of this machine`,
    )
  output.note(`Restarting the agent of ${region.name}; its engines go on`)
  const agents = await locked(world.folder, 'restart', output.note, async () => {
    const agent = agentProcess(world, region)
    await world.call(region, 'POST', '/v1/leave', {}, 10_000).catch(() => undefined)
    if (agent) await endAgent(agent)
    return new Map([[region.name, await startAgent(world, region)]])
  })
  await untilServing(world, [region], { agents: agents!, onSample: () => undefined })
}
