import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RegionStatus } from '../../src/agent/http/status.ts'
import type { ReleaseState } from '../../src/agent/release/state.ts'
import type { ProcessState } from '../../src/agent/supervision/transitions.ts'
import type { SteeringState } from '../../src/agent/traffic/dns-steering.ts'
import type { Durability } from '../../src/failover/durability.ts'
import type { RegionHealth, Verdict } from '../../src/failover/types.ts'
import type { Edge, Health, RegionReport } from '../../src/world/status/types.ts'
import { home, pages } from './pages.ts'

const page = pages.get('docs/glossary.md')!

const section = (title: string) => {
  const from = page.indexOf(`\n## ${title}\n`)
  assert.ok(from !== -1, title)
  const to = page.indexOf('\n## ', from + 1)
  return page.slice(from, to === -1 ? undefined : to)
}

/** First cells of a section's tables, several words of one row told apart. */
const words = (title: string) =>
  [...section(title).matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, word]) => word!),
  )

/** Complete by their types: a new state does not compile until it is here, and fails here until it is on the page. */
type All<T extends string> = Record<T, true>
const health: All<Health> = { healthy: true, degraded: true, down: true, unknown: true }
const regionHealth: All<RegionHealth> = { healthy: true, unhealthy: true, unreachable: true }
const verdict: All<Verdict['state']> = { ...regionHealth, alive: true, suspect: true }
const edge: All<Edge> = { serving: true, 'no app': true, unreachable: true, unknown: true }
const durability: All<Durability> = {
  region: true,
  'at risk': true,
  stopped: true,
  local: true,
  unknown: true,
}
const process: All<ProcessState | 'running' | 'gone'> = {
  waiting: true,
  starting: true,
  ready: true,
  failing: true,
  outdated: true,
  backoff: true,
  gaveUp: true,
  stopping: true,
  stopped: true,
  running: true,
  gone: true,
}
const agent: All<RegionReport['agentState']> = { answers: true, hangs: true, gone: true, elsewhere: true }
const steering: All<SteeringState['kind']> = { building: true, answering: true, failed: true }
const steeringTables: All<NonNullable<SteeringState['table']>['kind']> = {
  agreed: true,
  other: true,
  uniform: true,
}
const release: All<ReleaseState['kind']> = { running: true, ok: true, failed: true }
const databaseRole: All<NonNullable<RegionStatus['database']>['role']> = {
  primary: true,
  replica: true,
  unknown: true,
}
/** What the DATABASE column prints; see src/cli/status/render.ts. */
const databaseColumn = ['primary', 'sync', 'streaming', 'not streaming', 'unreachable']

test('every state that status, JSON and metrics show is explained', () => {
  const tables: [string, string[]][] = [
    ['World health', Object.keys(health)],
    ['Region health', Object.keys(verdict)],
    ['Edge', Object.keys(edge)],
    ['Database', [...new Set([...databaseColumn, ...Object.keys(databaseRole)])]],
    ['Durability', Object.keys(durability)],
    ['Process states', Object.keys(process)],
    ['Agent states', Object.keys(agent)],
    ['Steering states', Object.keys(steering)],
    ['Steering tables', Object.keys(steeringTables)],
    ['Release states', Object.keys(release)],
  ]
  for (const [title, states] of tables) assert.deepEqual(words(title).sort(), states.sort(), title)
})

test('what the DATABASE column prints is what the page explains', () => {
  const source = readFileSync(join(home, 'src/cli/status/render.ts'), 'utf8')
  const cell = /function databaseCell[\s\S]*?\n}/.exec(source)?.[0] ?? ''
  const printed = [...cell.matchAll(/'([a-z ]+)'/g)].map(([, word]) => word!)
  for (const word of databaseColumn) assert.ok(printed.includes(word), word)
})

test('every kind of event is explained', () => {
  const source = readFileSync(join(home, 'src/cli/events/text.ts'), 'utf8')
  const table = source.slice(
    source.indexOf('const texts'),
    source.indexOf('\n}', source.indexOf('const texts')),
  )
  const kinds = [...table.matchAll(/^ {2}(\w+): \(/gm)].map(([, kind]) => kind!)
  assert.ok(kinds.length > 5)
  assert.deepEqual(words('Events').sort(), kinds.sort())
})

test('every column of status is explained', () => {
  const source = readFileSync(join(home, 'src/cli/status/render.ts'), 'utf8')
  const table = /regionColumns: Column\[\] = \[([\s\S]*?)\]/.exec(source)?.[1] ?? ''
  const heads = [...table.matchAll(/head: '([^']+)'/g)].map(([, head]) => head!)
  assert.ok(heads.length > 5)
  assert.deepEqual(words('Columns of status').sort(), heads.sort())
})

test('each term stands once, in order', () => {
  const termsIn = (title: string) =>
    [...section(title).matchAll(/^\| \*\*(.+?)\*\*/gm)].map(([, term]) => term!.toLowerCase())
  const parts = [termsIn('Terms'), termsIn('Internal terms')]
  const terms = parts.flat()
  assert.ok(terms.length > 40, String(terms.length))
  assert.equal(new Set(terms).size, terms.length)
  for (const part of parts)
    assert.deepEqual(
      part,
      [...part].sort((a, b) => a.localeCompare(b, 'en')),
    )
})
