import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const home = join(import.meta.dirname, '../..')

/**
 * Modules that give a test real engines, a world, or its own networks. A test that imports one of them, directly or
 * through another module of test/ or bench/, needs more than Node, so `npm run test:quick` skips it. That run hides the
 * engines, so a test that reaches them in another way fails there until it imports `needs-engines.ts`.
 */
const givers = [
  'src/engines/root/locate.ts',
  'src/engines/root/sandbox.ts',
  'test/support/needs-engines.ts',
  'test/support/world.ts',
  'test/support/world/world-lock.ts',
  'test/support/lab/networks.ts',
]

/** Modules that a file imports, as paths relative to the checkout. Type imports do not count. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(home, file), 'utf8')
  const words = text.matchAll(
    /^(?:import|export)\b(?! type\b)[^'"]*?['"](\.[^'"]+)['"]|\bimport\(['"](\.[^'"]+)['"]\)/gm,
  )
  return [...words].map(([, plain, lazy]) => join(dirname(file), (plain ?? lazy)!))
}

/** Whether this test file (path relative to the checkout) needs engines, a world or its own network. */
export function needsEngines(file: string, seen = new Set<string>()): boolean {
  if (givers.includes(file)) return true
  if (seen.has(file)) return false
  seen.add(file)
  const below = importsOf(file).filter((one) => givers.includes(one) || /^(test|bench)\/.*\.ts$/.test(one))
  return below.some((one) => needsEngines(one, seen))
}

/** All test files, as paths relative to the checkout. */
export const testFiles = () => globSync('test/**/*.test.ts', { cwd: home }).sort()
