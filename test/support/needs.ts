import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const home = join(import.meta.dirname, '../..')

/**
 * What gives a test real engines, a world, or networks of its own. A test that imports one of these, itself or through
 * another module of test/ or bench/, needs more than Node: `npm run test:quick` leaves it out. That run finds no engine
 * on the machine, so a test that reaches one in another way fails there until it imports `needs-engines.ts`.
 */
const givers = [
  // What takes longest comes first: the suite starts tests in this order.
  'test/support/world.ts',
  'test/support/world/world-lock.ts',
  'test/support/patroni.ts',
  'test/support/lab/networks.ts',
  'test/support/two-databases.ts',
  'test/support/edge.ts',
  'test/support/needs-engines.ts',
  'src/engines/root/locate.ts',
  'src/engines/root/sandbox.ts',
]

/** Modules that these files import, by path from the checkout; types do not count. */
function importsOf(file: string): string[] {
  const path = join(home, file)
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  const words = text.matchAll(
    /^(?:import|export)\b(?! type\b)[^'"]*?['"](\.[^'"]+)['"]|\bimport\(['"](\.[^'"]+)['"]\)/gm,
  )
  return [...words].map(([, plain, lazy]) => join(dirname(file), (plain ?? lazy)!))
}

/** Everything that this file gives or gets, itself and through others. */
function given(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const below of importsOf(file))
    if (/^(test|bench)\/.*\.ts$/.test(below)) given(below, seen)
    else if (givers.includes(below)) seen.add(below)
  return seen
}

/** Place in the order of `givers`; `Infinity` for a test that needs none of them. By path from the checkout. */
export function rankOf(file: string): number {
  const has = given(file)
  const rank = givers.findIndex((giver) => has.has(giver))
  return rank === -1 ? Infinity : rank
}

/** Whether this test file (by path from the checkout) needs engines, a world or a network of its own. */
export const needsEngines = (file: string) => rankOf(file) < Infinity

/** Of the test suite, by path from the checkout. */
export const testFiles = () => globSync('test/**/*.test.ts', { cwd: home }).sort()
