import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const home = join(import.meta.dirname, '../..')

/**
 * What gives a test real engines, a world, or networks of its own. A test that imports one of these, itself or through
 * another module of test/ or bench/, needs more than Node: `npm run test:quick` leaves it out. That run finds no engine
 * on the machine, so a test that reaches one in another way fails there until it imports `needs-engines.ts`.
 */
const givers = [
  'src/engines/root/locate.ts',
  'src/engines/root/sandbox.ts',
  'test/support/needs-engines.ts',
  'test/support/world.ts',
  'test/support/world/world-lock.ts',
  'test/support/lab/networks.ts',
]

/** Modules that these files import, by path from the checkout; types do not count. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(home, file), 'utf8')
  const words = text.matchAll(
    /^(?:import|export)\b(?! type\b)[^'"]*?['"](\.[^'"]+)['"]|\bimport\(['"](\.[^'"]+)['"]\)/gm,
  )
  return [...words].map(([, plain, lazy]) => join(dirname(file), (plain ?? lazy)!))
}

/** Whether this test file (by path from the checkout) needs engines, a world or a network of its own. */
export function needsEngines(file: string, seen = new Set<string>()): boolean {
  if (givers.includes(file)) return true
  if (seen.has(file)) return false
  seen.add(file)
  const below = importsOf(file).filter((one) => givers.includes(one) || /^(test|bench)\/.*\.ts$/.test(one))
  return below.some((one) => needsEngines(one, seen))
}

/** Of the test suite, by path from the checkout. */
export const testFiles = () => globSync('test/**/*.test.ts', { cwd: home }).sort()
