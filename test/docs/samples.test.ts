import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventText } from '../../src/cli/events/text.ts'
import { usersText } from '../../src/cli/lab/users-text.ts'
import { backText } from '../../src/cli/revive.ts'
import { renderStatus } from '../../src/cli/status/render.ts'
import { renderPlaces } from '../../src/cli/up/places.ts'
import type { Started } from '../../src/world/prepare.ts'
import type { RegionReport } from '../../src/world/status/types.ts'
import { sampleResult } from '../lab/users/sample.ts'
import { sampleRegions, shared, statusOf, withoutAgent } from '../world/status/sample.ts'
import { sampleDrill } from './drill.ts'
import { pages } from './pages.ts'

/** Output that pages quote is what Nearside prints for a fixture, except for its numbers. */

const plain = (_: unknown, text: string) => text

/** The lines that a page shows after a command, up to the next command or the end of the block. Without omissions. */
function sampleOf(page: string, command: string): string[] {
  const lines = pages.get(page)!.split('\n')
  const from = lines.indexOf(`    $ ${command}`) + 1
  assert.ok(from > 0, `${page} has no sample of ${command}`)
  const rest = lines.slice(from)
  const to = rest.findIndex((line) => /^ {4}\$ |^\S/.test(line))
  const shown = rest.slice(0, to).map((line) => line.slice(4).trimEnd())
  return shown.filter((line) => line !== '' && line.trim() !== '…')
}

const withoutNumbers = (line: string) => line.replace(/\d+(?:[.,]\d+)*/g, '#').trim()
/** A table's columns are as wide as its numbers, and a number may be left out. */
const withoutWidths = (line: string) =>
  withoutNumbers(line)
    .replace(/\s+/g, ' ')
    .replace(/(?:# )+#/g, '#')

function assertPrinted(sample: readonly string[], printed: string, same = withoutNumbers): void {
  const lines = new Set(printed.split('\n').map(same))
  assert.deepEqual(
    sample.map(same).filter((line) => !lines.has(line)),
    [],
    printed,
  )
}

suite('up', () => {
  const region = (name: string, i: number, role: 'full' | 'witness') => ({
    name,
    address: `127.77.${i}.1`,
    serves: role === 'full',
    full: role === 'full',
  })
  const started = (name: string) => {
    const regions = [
      region('us-east', 1, 'full'),
      region('us-west', 2, 'full'),
      region('us-central', 3, 'witness'),
    ]
    const topology = { ports: { http: 8080, dns: 5300 }, domain: `${name}.example.com` }
    const world = { name, regions, folder: '/', record: { topology, topologyFile: '/nearside.config.ts' } }
    return { world, regions, agents: new Map([['us-east', {}]]) } as unknown as Started
  }

  for (const [page, command, name] of [
    ['README.md', 'npm start', 'shop'],
    ['docs/start/first-app.md', 'nearside up --detach', 'hello'],
  ] as const)
    test(page, () => {
      const sample = sampleOf(page, command)
      assert.ok(sample.length > 0)
      assertPrinted(sample, renderPlaces(started(name), 20, false))
    })
})

test('revive', () => {
  const sample = sampleOf('README.md', 'nearside revive us-east')
  const printed = backText(
    { name: 'us-east', serves: true },
    { started: true, role: 'replica', seconds: 14.4 },
  )
  assert.deepEqual(sample, [printed])
})

suite('status', () => {
  const regions = (perSecond: [number, number]): RegionReport[] =>
    sampleRegions().map((report, i) => {
      if (report.role !== 'full') return report
      const [process] = report.processes
      const processes = Array.from({ length: 8 }, (_, n) => ({ ...process!, name: `process-${n}` }))
      return { ...report, processes, requestsPerSecond: perSecond[i]! }
    })

  test('of a healthy world', () => {
    const lag = { ...shared.lag, 'us-west': { lagMs: 0.1, lagBytes: 0, streaming: true } }
    const world = { ...shared, lag }
    const timeline = { timeline: 1 }
    const reports = regions([1, 5]).map((report) => ({
      ...report,
      world,
      ...(report.database ? { database: { ...report.database, ...timeline } } : {}),
    }))
    const sample = sampleOf('docs/operate/day-to-day.md', 'nearside status')
    const printed = renderStatus(statusOf(reports), plain).split('\n')
    assert.deepEqual(
      sample,
      printed.filter((line) => line !== ''),
    )
  })

  test('of a world that has lost a region', () => {
    const world = {
      ...shared,
      primary: 'us-west',
      durability: 'at risk' as const,
      health: { ...shared.health, 'us-east': 'unreachable' as const },
      lag: { 'us-west': shared.lag['us-west'] },
    }
    const [east, west, central] = regions([0, 4]) as [RegionReport, RegionReport, RegionReport]
    const reports = [
      withoutAgent(east, 'gone'),
      {
        ...west,
        world,
        database: { role: 'primary' as const, state: 'running', timeline: 2, standbys: [] },
      },
      { ...central, world },
    ]
    const sample = sampleOf('README.md', 'nearside status')
    const printed = renderStatus(statusOf(reports), plain).split('\n')
    assert.deepEqual(
      sample.filter((line) => !printed.includes(line)),
      [],
      printed.join('\n'),
    )
  })
})

test('events', () => {
  const by = ['us-west', 'us-central']
  const printed = [
    eventText({
      kind: 'setHealth',
      detail: { region: 'us-east', state: 'unreachable', was: 'healthy', by },
    }),
    eventText({ kind: 'revokeLeader', detail: { leader: { region: 'us-east' }, by } }),
    eventText({ kind: 'primary', detail: { from: 'us-east', to: 'us-west' } }),
  ]
  const sample = sampleOf('README.md', 'nearside events')
  // Each is preceded by its time and the agent that recorded it.
  assert.deepEqual(
    sample.map((line) => /^\d\d:\d\d:\d\d {2}us-\w+ {2}(.*)$/.exec(line)?.[1]),
    printed,
  )
})

test('a drill', () => {
  const sample = sampleOf('docs/operate/drills.md', 'nearside drill region-loss')
  assert.ok(sample.length > 12, sample.join('\n'))
  assertPrinted(sample, sampleDrill())
})

test('simulated users', () => {
  const command =
    'sudo nearside lab users --rate 60/s --mix browse --places us --for 20s --seed 8 --report users.html'
  const sample = sampleOf('docs/operate/simulated-users.md', command)
  assert.ok(sample.length > 8, sample.join('\n'))
  assertPrinted(sample, usersText(sampleResult(), plain), withoutWidths)
})
