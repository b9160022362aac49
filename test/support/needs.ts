import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const home = join(import.meta.dirname, '../..')

/**
 * Modules that give a test real engines, a world, or its own networks. A test that imports one of them, directly or
 * through another module of test/ or bench/, needs more than Node, so `npm run test:quick` skips it. That run hides the
 * engines, so a test that reaches them in another way fails there until it imports `needs-engines.ts`.
 */
const givers = [
  // Slowest first: the suite starts tests in this order.
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

/** Modules that a file imports, as paths relative to the checkout. Type imports do not count. */
function importsOf(file: string): string[] {
  const path = join(home, file)
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  const words = text.matchAll(
    /^(?:import|export)\b(?! type\b)[^'"]*?['"](\.[^'"]+)['"]|\bimport\(['"](\.[^'"]+)['"]\)/gm,
  )
  return [...words].map(([, plain, lazy]) => join(dirname(file), (plain ?? lazy)!))
}

/** This file with the test modules and givers that it imports, directly or through others. */
function given(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const below of importsOf(file))
    if (/^(test|bench)\/.*\.ts$/.test(below)) given(below, seen)
    else if (givers.includes(below)) seen.add(below)
  return seen
}

/** Position in `givers`; `Infinity` for a test that needs none of them. The path is relative to the checkout. */
export function rankOf(file: string): number {
  const has = given(file)
  const rank = givers.findIndex((giver) => has.has(giver))
  return rank === -1 ? Infinity : rank
}

/** Whether this test file (path relative to the checkout) needs engines, a world or its own network. */
export const needsEngines = (file: string) => rankOf(file) < Infinity

/** All test files, as paths relative to the checkout. */
export const testFiles = () => globSync('test/**/*.test.ts', { cwd: home }).sort()
