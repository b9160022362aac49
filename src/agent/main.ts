import { flushCompileCache } from 'node:module'
import { parseArgs } from 'node:util'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { logger } from '../lib/log.ts'
import { version } from '../lib/version.ts'
import { Agent } from './agent.ts'
import { api, listen } from './http/api.ts'
import { metrics } from './http/metrics.ts'
import { rotateLogs } from './supervision/log-rotation.ts'
import { TrafficMonitor } from './traffic/traffic.ts'

/** The agent's own program: `node src/agent/main.ts --world FOLDER --region NAME`, started by `nearside up`. */

const { values } = parseArgs({ options: { world: { type: 'string' }, region: { type: 'string' } } })
const log = logger({ region: values.region })

async function main(worldFolder: string, region: string): Promise<void> {
  const agent = await Agent.create({ worldFolder, region, log, version })
  const { address } = agent.context.region
  const port = agent.context.topology.ports.agent
  let traffic: TrafficMonitor | undefined
  const measured = metrics(agent, () => traffic)
  if (agent.context.region.serves) traffic = new TrafficMonitor(agent.context, measured.observe)
  const app = api({
    agent,
    traffic: () => traffic,
    metrics: measured.text,
    exit: () => process.exit(0),
  })
  // Listen first: the address can be bound only once, so a second agent of this region exits here.
  await listen(app, address, port)
  await traffic?.start()
  await agent.start()
  // All modules are loaded now. Flushing lets the next agent use this cache even if this one is killed.
  flushCompileCache()
  const rotation = rotateLogs(agent.context.folder)
  const stop = async (signal: string) => {
    log.info({ signal }, 'agent stopping')
    void rotation.stop()
    await agent.supervisor.stop()
    await agent.close()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(signal))
  log.info({ address, port, pid: process.pid }, 'agent listening')
}

function fatal(error: unknown): never {
  const code = error instanceof NearsideError ? error.code : 'internal'
  log.fatal(
    { code, error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
    'agent failed',
  )
  process.exit(1)
}
process.on('uncaughtException', fatal)
process.on('unhandledRejection', fatal)

if (!values.world || !values.region)
  fatal(new NearsideError('usage', 'expected --world FOLDER --region NAME'))
await main(values.world, values.region).catch(fatal)
