import { spawn } from 'node:child_process'
import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { worldFolderFor } from '../../../src/agent/layout.ts'
import { lackOf } from '../../../src/lab/network/abilities.ts'
import { labBase } from '../../../src/lab/network/addresses.ts'
import { makeRouterNamespace } from '../../../src/lab/network/make.ts'
import { enter, insideOf } from '../../../src/world/namespaces/enter.ts'
import { labIdOf, namespaceOf } from '../../../src/world/namespaces/names.ts'
import type { TestApp } from '../world/apps.ts'
import { type Place, twoRegionsAndWitness } from '../world.ts'

const mark = 'NEARSIDE_TEST_LAB'
const suffix = '-lab'

export type LabPlace = Place & { id: string }

/**
 * Creates a place for a lab of this app, and restarts this test file inside the lab's router, which reaches every
 * region regardless of cuts. Call it at the top of a file, before any test is declared. Resolves to the reason if this
 * machine does not support labs.
 */
export async function labPlace(
  app: TestApp,
  regions: Readonly<Record<string, unknown>> = twoRegionsAndWitness,
): Promise<LabPlace | { skip: string }> {
  const lack = await lackOf()
  if (lack) return { skip: `a lab needs ${lack.what}` }
  const temporary = process.env[mark] ?? realpathSync(mkdtempSync(join(tmpdir(), 'nearside-lab-')))
  const folder = worldFolderFor(join(temporary, 'nearside.yaml'), `${app.name}${suffix}`)
  const id = labIdOf(folder)
  if (process.env[mark] === undefined) {
    await makeRouterNamespace(id, folder)
    process.env[mark] = temporary
  }
  enter(namespaceOf(id, 'router'))
  delete process.env[mark]
  const names = Object.keys(regions)
  const removal = [process.execPath, join(import.meta.dirname, 'remove.ts'), id]
  removeAtEnd(folder, temporary, removal)
  return {
    id,
    base: labBase,
    lab: { temporary, suffix },
    inside: (region) => insideOf(namespaceOf(id, names.indexOf(region) + 1)),
    removal,
    remove: () => undefined,
  }
}

/** Cleans up however this process ends, even if interrupted before any world exists (while waiting for the lock). */
function removeAtEnd(folder: string, temporary: string, removal: readonly string[]): void {
  const reaper = join(import.meta.dirname, '../world/reaper.ts')
  const kept = process.env.NEARSIDE_KEEP_WORLDS ? 'keep' : temporary
  const child = spawn(process.execPath, [reaper, folder, kept, ...removal], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  })
  child.unref()
  ;(child.stdin as unknown as { unref(): void }).unref()
}
