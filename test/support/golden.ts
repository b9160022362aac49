import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const goldenFolder = fileURLToPath(new URL('../golden', import.meta.url))

/**
 * Compares rendered files with those under `test/golden/<folder>`. Extra and missing files fail as well.
 * `UPDATE_GOLDEN=1` writes them instead; then review the diff.
 */
export function assertGolden(folder: string, files: readonly { path: string; content: string }[]): void {
  const root = join(goldenFolder, folder)
  if (process.env.UPDATE_GOLDEN === '1') {
    rmSync(root, { recursive: true, force: true })
    for (const { path, content } of files) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    }
    return
  }
  const there = existsSync(root) ? readdirSync(root, { recursive: true, withFileTypes: true }) : []
  const names = there.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const wanted = files.map(({ path }) => join(root, path))
  assert.deepEqual(
    names.sort(),
    wanted.sort(),
    `files under test/golden/${folder}; UPDATE_GOLDEN=1 writes them`,
  )
  for (const { path, content } of files)
    assert.equal(
      content,
      readFileSync(join(root, path), 'utf8'),
      `${folder}/${path}; UPDATE_GOLDEN=1 writes it`,
    )
}
