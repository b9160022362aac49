import { createHash, timingSafeEqual } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { NearsideError } from '../../lib/errors.ts'
import type { Agent } from '../agent.ts'
import { wakePatroni } from '../database/patroni-wakeup.ts'
import { switchover } from '../database/switchover.ts'
import { stages, stopsBy } from '../supervision/shutdown-order.ts'
import { purge, purgeRequest } from '../traffic/purge-request.ts'
import type { TrafficMonitor } from '../traffic/traffic.ts'
import { bodyOf, limitBody, wrongType } from './body.ts'
import { notServed, refusal } from './refusals.ts'
import { type RegionStatus, statusOf } from './status.ts'

type ApiOptions = {
  agent: Agent
  traffic: () => Pick<TrafficMonitor, 'requestsPerSecond' | 'connections'> | undefined
  metrics: () => Promise<string>
  /** Exits the agent process. */
  exit: () => void
}

/** Interval at which the primary's Patroni is woken to notice that its standby is stopping. */
const wakeMs = 700

/** The agent's HTTP API. All endpoints except `/metrics` and `/alive` need the world's token. */
export function api({ agent, traffic, metrics, exit }: ApiOptions): Hono {
  const app = new Hono()
  const token = digest(agent.context.secrets.api)

  app.get('/alive', (c) => c.json({ region: agent.context.region.name, world: agent.context.topology.name }))
  app.get('/metrics', async (c) =>
    c.text(await metrics(), 200, { 'content-type': 'text/plain; version=0.0.4' }),
  )

  app.use('/v1/*', async (c, next) => {
    const given = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1]
    if (given === undefined || !timingSafeEqual(digest(given), token))
      return c.json(
        {
          error: {
            code: 'token_refused',
            message: 'authorization: expected the world’s API token as bearer token',
          },
        },
        401,
        { 'www-authenticate': 'Bearer realm="nearside"' },
      )
    await next()
  })
  app.use('/v1/*', limitBody)
  app.get('/v1/status', (c) => c.json(statusOf(agent, traffic()) satisfies RegionStatus))
  app.get('/v1/events', async (c) => c.json(await agent.store.events()))
  app.post('/v1/switchover', async (c) => {
    const { to } = await bodyOf(c, ['to'])
    return c.json(await switchover(agent, to === undefined ? undefined : primaryCandidate(agent, to)))
  })
  app.post('/v1/restart', async (c) => {
    const { process } = await bodyOf(c, ['process'])
    const names = agent.supervisor.status().map((one) => one.name)
    if (typeof process !== 'string') throw wrongType('process', names.join(', '), process)
    if (!names.includes(process))
      throw new NearsideError(
        'process_unknown',
        `process: expected ${names.join(', ')}, got ${JSON.stringify(process)}`,
      )
    await agent.supervisor.restart(process)
    return c.json({})
  })
  app.post('/v1/purge', async (c) => {
    const { store, coordination, context } = agent
    const caching = context.regions.filter((region) => region.serves).map((region) => region.name)
    const request = purgeRequest(await bodyOf(c, ['scope', 'path', 'host', 'regions']), caching)
    return c.json(await purge(request, { store, coordination, caching }))
  })
  app.post('/v1/release', async (c) => {
    await agent.store.forgetFailedRelease(agent.record.run)
    return c.json({})
  })
  // The agent exits, but its processes keep running: the next agent adopts them with its own plan.
  app.post('/v1/leave', async (c) => {
    await agent.supervisor.leave()
    await agent.close()
    setTimeout(exit, 20)
    return c.json({})
  })
  app.post('/v1/stop', async (c) => {
    const { stage: wanted } = await bodyOf(c, ['stage'])
    const stage = stages.find((one) => one === wanted)
    if (typeof wanted !== 'string') throw wrongType('stage', `one of ${stages.join(', ')}`, wanted)
    if (stage === undefined)
      throw new NearsideError(
        'stage_unknown',
        `stage: expected one of ${stages.join(', ')}, got ${JSON.stringify(wanted)}`,
      )
    const primary = agent.database?.state.role === 'primary'
    // A stopping standby waits until the primary's Patroni drops it, which its next loop would do only seconds later.
    const leader = agent.coordination.snapshot?.leader?.region
    const waits = stage === 'replica' && agent.context.region.full && !primary && leader !== undefined
    const waking =
      waits &&
      setInterval(() => void wakePatroni(agent, leader, `${agent.context.region.name} is stopping`), wakeMs)
    try {
      await agent.supervisor.stop((process) => stopsBy(stage, process, primary))
    } finally {
      if (waking) clearInterval(waking)
    }
    if (stage === 'quiet') {
      // Stopping the coordination loop would release processes that still wait for a start condition.
      const waiting = agent.supervisor.status().filter((one) => one.state === 'waiting')
      await agent.supervisor.stop((process) => waiting.some((one) => one.name === process.name))
      await agent.close()
    }
    if (stage === 'all') {
      await agent.close()
      setTimeout(exit, 20)
    }
    return c.json({})
  })

  app.notFound(notServed(app))
  app.onError(refusal(agent.log))
  return app
}

function primaryCandidate({ context }: Agent, to: unknown): string {
  const full = context.regions.filter((region) => region.full).map((region) => region.name)
  if (typeof to !== 'string') throw wrongType('to', full.join(' or '), to)
  if (full.includes(to)) return to
  throw new NearsideError('region_unknown', `to: expected ${full.join(' or ')}, got ${JSON.stringify(to)}`)
}

/** Tokens are compared as digests, which have equal lengths, so timing reveals nothing about the token. */
const digest = (text: string) => createHash('sha256').update(text).digest()

/** Resolves when the server listens; rejects with `EADDRINUSE` while another agent of this region is running. */
export function listen(app: Hono, hostname: string, port: number): Promise<{ close: () => void }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port }, () => resolve({ close: () => server.close() }))
    server.on('error', reject)
  })
}
