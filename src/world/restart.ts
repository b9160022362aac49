import { setTimeout as sleep } from 'node:timers/promises'
import type { RegionStatus } from '../agent/http/status.ts'
import { unknown } from '../lib/did-you-mean.ts'
import { NearsideError } from '../lib/errors.ts'
import type { Note } from '../lib/note.ts'
import type { Region } from '../topology/regions.ts'
import { agentProcess, endAgent, type StartedAgent, startAgent } from './agents.ts'
import { regionStatus, type WorldHandle } from './handle.ts'
import { isHere } from './here.ts'
import { locked } from './lock.ts'
import { brokenWords, describeTrouble, isBroken } from './process-words.ts'
import { logTail, type Sample, untilServing } from './start.ts'

/** Beyond an app's own limits. A database is exempt: it may have to be copied from the primary. */
const restartWithinMs = 60_000

/** Resolves once the process is ready again. A process that pauses after failures starts at once. */
export async function restartProcess(
  world: WorldHandle,
  region: Region,
  name: string,
  note: Note,
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
      `${region.name}/${name} has not started yet: it is waiting ${found.why ?? ''}`.trim(),
      {
        remedy: 'see `nearside status --verbose`',
      },
    )
  note(`Restarting ${region.name}/${name}`)
  let said = ''
  const { startSeconds, stopSeconds } = world.record.topology.app
  const deadlineMs = performance.now() + restartWithinMs + (startSeconds + stopSeconds) * 1000
  await restartUntilReady(world, region, name, {
    timeoutMs: 700_000,
    async failure(status) {
      const one = status?.processes.find((process) => process.name === name)
      if (status && one && !isBroken(one)) {
        const words = describeTrouble(one)
        if (words !== said) note(`${region.name}/${name} ${words}`)
        said = words
        if (one.name !== 'postgres' && performance.now() > deadlineMs)
          return new NearsideError('process_not_ready', `${region.name}/${name} ${words}`, {
            remedy: `see \`nearside logs ${region.name} ${name}\``,
          })
        return undefined
      }
      return new NearsideError(
        status ? 'process_gave_up' : 'agent_unreachable',
        `${region.name}/${name} ${one ? brokenWords(one) : 'is unknown: its agent stopped answering'}${await logTail(world, region.name, name)}`,
        { remedy: `see \`nearside logs ${region.name} ${name}\`` },
      )
    },
  })
}

type Waiting = {
  /** Limit of the restart request. */
  timeoutMs: number
  /** Called for each status in which the process is not ready. An error ends the wait. */
  failure: (status: RegionStatus | undefined) => Promise<Error | undefined>
}

/** Asks the region's agent to restart a process. Resolves once the process is ready again. */
export async function restartUntilReady(
  world: WorldHandle,
  region: Region,
  name: string,
  { timeoutMs, failure }: Waiting,
): Promise<void> {
  await world.call(region, 'POST', '/v1/restart', { process: name }, timeoutMs)
  for (;;) {
    const status = await regionStatus(world, region, 2000)
    if (status?.processes.find((process) => process.name === name)?.state === 'ready') return
    const error = await failure(status)
    if (error) throw error
    await sleep(100)
  }
}

/** Resolves once a new agent serves. The engines keep running and are adopted. */
export async function restartAgent(
  world: WorldHandle,
  region: Region,
  note: Note,
  onSample: (samples: readonly Sample[]) => void,
): Promise<void> {
  if (!isHere(world, region))
    throw new NearsideError(
      'region_elsewhere',
      `${region.name}: ${region.address} is not an address of this machine`,
    )
  note(`Restarting the agent of ${region.name}; its engines keep running`)
  const agents = await locked(world.folder, 'restart', note, async () => {
    return new Map([[region.name, await replaceAgent(world, region)]])
  })
  await untilServing(world, [region], { agents: agents!, onSample, onTrouble: note })
}

/** Ends the agent, if it runs, and starts a new one, which adopts the engines. The caller holds the world's lock. */
export async function replaceAgent(world: WorldHandle, region: Region): Promise<StartedAgent> {
  const agent = agentProcess(world, region)
  await world.call(region, 'POST', '/v1/leave', {}, 10_000).catch(() => undefined)
  if (agent) await endAgent(agent)
  return startAgent(world, region)
}
