import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { takeDown } from '../../../src/cli/drill/soak-world.ts'
import { hasFailed } from '../../../src/lab/drill/soak.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'

const crash = new URL('../../../src/cli/drill/crash.ts', import.meta.url).href

suite('a soak', () => {
  const final = { views: [], absent: [] }
  const absent = [{ region: 'us-east', source: 'replica' as const, why: 'silent' }]

  test('beyond the guarantees may lose writes, but fails if the world does not recover', () => {
    const lost = { ok: false, settled: true, final }
    const away = { ok: false, settled: false, final }
    const unseen = { ok: false, settled: true, final: { ...final, absent } }
    assert.deepEqual([hasFailed(lost, false), hasFailed(away, false)], [true, true])
    assert.deepEqual(
      [hasFailed(lost, true), hasFailed(away, true), hasFailed(unseen, true)],
      [false, true, true],
    )
  })

  for (const [what, how] of [
    ['an uncaught error', "setTimeout(() => { throw new Error('oh') }, 10)"],
    ['an unhandled rejection', "Promise.reject(new Error('oh'))"],
  ])
    test(`${what} interrupts the work, which heals, and the final steps run`, () => {
      const script = `
        import { withCrashes } from ${JSON.stringify(crash)}
        const work = (signal) => new Promise((resolve) => {
          const alive = setInterval(() => undefined, 1000)
          signal.addEventListener('abort', () => setTimeout(() => {
            clearInterval(alive)
            console.log('healed')
            resolve()
          }, 20))
          ${how}
        })
        try {
          await withCrashes(work, new AbortController().signal)
        } catch (error) {
          console.log(error.message)
        } finally {
          console.log('removed')
        }`
      const { stdout, status } = spawnSync(
        process.execPath,
        ['--input-type=module-typescript', '--eval', script],
        { encoding: 'utf8' },
      )
      assert.deepEqual([stdout, status], ['healed\noh\nremoved\n', 0])
    })

  test('interrupted before its world exists leaves no folder', async () => {
    const folder = join(temporaryFolder('nearside-soak'), 'world')
    mkdirSync(folder)
    const output = { note: () => undefined }
    await takeDown(join(folder, 'nearside.yaml'), folder, false, output)
    assert.ok(!existsSync(folder))
    rmSync(join(folder, '..'), { recursive: true })
  })
})
