import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { userRttMs } from '../../../src/geo/rtt.ts'
import { writeRecord } from '../../../src/lab/faults/record.ts'
import type { UserRequest } from '../../../src/lab/users/client/browser.ts'
import type { UserPlace } from '../../../src/lab/users/plan/places.ts'
import { runUsers } from '../../../src/lab/users/run.ts'
import type { Link, Prefix, Shaper } from '../../../src/lab/wan/index.ts'
import type { WorldHandle } from '../../../src/world/handle.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'
import { fakeNames, fakeSite, pages } from './fakes.ts'

const boston: UserPlace = {
  city: 300,
  name: 'Boston, MA',
  area: 'US East',
  location: { lat: 42.36, lon: -71.06 },
  weight: 1,
}

/** Two regions that are the same site, and a witness, which serves no users. */
function worldAt(site: { port: number }, names: { port: number }): WorldHandle {
  const region = (name: string, address: string, lon: number, serves = true) => ({
    name,
    address,
    serves,
    location: { lat: 40, lon },
  })
  const topology = {
    domain: 'shop.example.com',
    ports: { http: site.port, dns: names.port },
    slo: { latencyMs: 100, share: 0.95 },
    steering: { geoip: [] },
    database: { holdSeconds: 1 },
  }
  const regions = [
    region('west', '127.0.0.2', -120),
    region('east', '127.0.0.1', -75),
    region('mid', '', -90, false),
  ]
  return {
    name: 'test',
    regions,
    record: { topology, topologyFile: '/nowhere/x.yaml' },
  } as unknown as WorldHandle
}

const options = {
  ratePerSecond: 100,
  mix: pages(),
  places: [boston],
  placesText: 'Boston',
  forMs: 700,
  seed: 4,
}

test('the generator is a separate process that reports every request and exits with a result', async (t) => {
  const site = await fakeSite(t, (_, response) => response.end('ok'))
  const answer = () => ({ addresses: ['127.0.0.1'], ttlSeconds: 60 })
  const names = await fakeNames(t, answer)
  // Asked next, should this machine stall for longer than a resolver waits.
  await fakeNames(t, answer, '127.0.0.2', names.port)
  const requests: UserRequest[] = []
  const result = await runUsers({
    ...options,
    world: worldAt(site, names),
    onRequest: (request) => requests.push(request),
  })
  assert.ok(result.all.requests > 30)
  assert.equal(result.all.failed, 0)
  assert.equal(requests.length, result.all.requests)
  assert.ok(site.asked.length >= result.all.requests, 'the lead-in is not counted')
  assert.ok(
    requests.every(({ edge, path, user }) => edge === 'east' && path === '/' && user.startsWith('u4-')),
  )
  assert.equal(result.distances, false)
  assert.equal(result.stopped, false)
  assert.ok(result.effort.cpuShare > 0)
})

test('an aborted run ends immediately with the results so far', async (t) => {
  const site = await fakeSite(t, (_, response) => response.end('ok'))
  const names = await fakeNames(t, () => ({ addresses: ['127.0.0.1'], ttlSeconds: 60 }))
  const stopping = new AbortController()
  let seen = 0
  // It has no end of its own: that there is a result is due to the signal.
  const result = await runUsers({
    ...options,
    forMs: Infinity,
    world: worldAt(site, names),
    signal: stopping.signal,
    onProgress: ({ requests }) => {
      seen += requests
      if (seen > 30) stopping.abort()
    },
  })
  assert.equal(result.stopped, true)
  assert.ok(result.all.requests >= seen)
  assert.equal(result.asked.forMs, Infinity)
})

test('Ctrl-C in a terminal does not reach the generator, which it would kill during loading', async () => {
  const file = fileURLToPath(new URL('interrupted.ts', import.meta.url))
  // A process group of its own, as a shell gives it to a command; Ctrl-C is a signal to all of it.
  const run = spawn(process.execPath, [file], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  run.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (text === 'started\n') process.kill(-run.pid!, 'SIGINT')
  })
  const [code] = await once(run, 'close')
  assert.equal(code, 0)
  assert.equal(said, 'started\nstopped true, requests 0\n')
})

test('in a lab, the shaper first gets the users’ places and latencies; a cut link stays cut', async (t) => {
  const site = await fakeSite(t, (_, response) => response.end('ok'))
  const names = await fakeNames(t, () => ({ addresses: ['127.0.0.1'], ttlSeconds: 60 }))
  const line = { delayMs: 1, jitterMs: 2, lossShare: 0, rateBitsPerSecond: 0, cut: true }
  let [told, set]: [readonly Prefix[], readonly Link[]] = [[], []]
  const shaper: Pick<Shaper, 'places' | 'params' | 'set' | 'close'> = {
    places: async (prefixes) => {
      told = prefixes
    },
    params: async () => [{ from: 'city:300', to: 'east', params: line }],
    set: async (links) => {
      set = links
    },
    close: () => undefined,
  }
  const world = worldAt(site, names)
  const result = await runUsers({
    ...options,
    world,
    lab: { wan: async () => shaper as Shaper, inside: () => [] },
  })
  assert.deepEqual(told, [{ place: 'city:300', prefix: '10.129.44.0/24' }])
  assert.deepEqual(set.map(({ from, to }) => `${from} ${to}`).sort(), [
    'city:300 east',
    'city:300 west',
    'east city:300',
    'west city:300',
  ])
  for (const { from, to, params } of set) {
    const region = world.regions.find(({ name }) => name === from || name === to)!
    assert.equal(params.delayMs, userRttMs(boston.location, region.location) / 2)
    assert.equal(params.cut, from === 'city:300' && to === 'east')
    assert.equal(params.jitterMs, params.cut ? 2 : 0)
  }
  // This machine has no such address, which is reported as its own limit.
  assert.deepEqual(
    result.errors.map(({ error }) => error),
    ['own limit'],
  )
  assert.match(result.effort.limit!, /could not be sent/)
  assert.equal(site.asked.length, 0)
})

test('a link with an active fault stays slow when more users arrive', async (t) => {
  const folder = temporaryFolder('nearside-users')
  t.after(() => rmSync(folder, { recursive: true }))
  const site = await fakeSite(t, (_, response) => response.end('ok'))
  const names = await fakeNames(t, () => ({ addresses: ['127.0.0.1'], ttlSeconds: 60 }))
  const line = { delayMs: 12, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false }
  const slow = { from: 'east', to: 'city:300', params: line }
  await writeRecord(
    folder,
    {
      ...{ kind: 'slow-link', from: 'east', to: 'users', direction: 'out', forMs: 60_000 },
      ...{ delayMs: 100, jitterMs: 0, rateBitsPerSecond: 0 },
    },
    { linksBefore: [slow] },
  )
  let set: readonly Link[] = []
  const shaper: Pick<Shaper, 'places' | 'params' | 'set' | 'close'> = {
    places: async () => undefined,
    params: async () => [
      { ...slow, params: { ...line, delayMs: 112 } },
      { from: 'city:300', to: 'east', params: line },
    ],
    set: async (links) => {
      set = links
    },
    close: () => undefined,
  }
  await runUsers({
    ...options,
    forMs: 100,
    world: { ...worldAt(site, names), folder } as WorldHandle,
    lab: { wan: async () => shaper as Shaper, inside: () => [] },
  })
  assert.deepEqual(set.map(({ from, to }) => `${from} ${to}`).sort(), [
    'city:300 east',
    'city:300 west',
    'west city:300',
  ])
})
