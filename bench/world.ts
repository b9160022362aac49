import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { locateEngineRoot } from '../src/engines/root/locate.ts'
import { readTopology } from '../src/topology/find.ts'
import { importTopology } from '../src/topology/module.ts'
import type { TopologyInput } from '../src/topology/schema.ts'
import { shop } from '../test/support/world/apps.ts'
import { ask } from '../test/support/world/http.ts'
import { TestWorld } from '../test/support/world.ts'

/** The example's world, exactly as its topology defines it, on its own network and in its own folder. */

const folder = join(import.meta.dirname, '../examples/shop')
const file = join(folder, 'nearside.config.ts')
const { value } = await importTopology(file, (await readTopology(file)).text, 10_000)
export const example = value as TopologyInput

export const fullRegions = Object.entries(example.regions)
  .filter(([, { role = 'full' }]) => role === 'full')
  .map(([name]) => name)

type Regions = TopologyInput['regions']

/** `more`: additional regions. */
export function makeShop(more: Regions = {}): Promise<TestWorld> {
  const { app, name, domain, regions: own, network, ...rest } = example
  const regions = { ...own, ...more }
  return TestWorld.make({ app: { ...shop, topology: { ...app, folder } }, regions, topology: rest })
}

export async function withShop<T>(use: (world: TestWorld) => Promise<T>, more?: Regions): Promise<T> {
  const world = await makeShop(more)
  try {
    return await use(world)
  } finally {
    await world.close()
  }
}

/** Waits until each full region's edge serves a page from its own region's app. */
export async function untilServed(world: TestWorld): Promise<void> {
  for (const region of fullRegions) {
    const { host, port } = world.edge(region)
    const deadline = performance.now() + 60_000
    for (;;) {
      const answer = await ask({ host, port, path: '/', timeoutMs: 5000 }).catch(() => undefined)
      if (answer?.status === 200 && answer.headers['nearside-region'] === region) break
      if (performance.now() > deadline)
        throw new Error(`${region} is up, but does not serve:\n${await world.report()}`)
      await delay(20)
    }
  }
}

/**
 * Runs with caches as after installation: the engines are there, but not the compiled code and steering tables that
 * other worlds of this user may have left.
 */
export async function withColdCaches<T>(use: () => Promise<T>): Promise<T> {
  const engines = locateEngineRoot().path
  const folder = mkdtempSync(join(tmpdir(), 'nearside-bench-'))
  const before = process.env.XDG_CACHE_HOME
  mkdirSync(join(folder, 'nearside'))
  symlinkSync(engines, join(folder, 'nearside', basename(engines)))
  process.env.XDG_CACHE_HOME = folder
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.once('exit', remove)
  try {
    return await use()
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = before
    process.off('exit', remove)
    remove()
  }
}

export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return (performance.now() - startedMs) / 1000
}
