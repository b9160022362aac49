import { chmod, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { worldFile } from '../../agent/layout.ts'
import { type Finding, ok } from './finding.ts'

/** Files that only their owner may be able to read. */
export async function secrecyFindings(folder: string): Promise<Finding[]> {
  const files = [folder, worldFile(folder), join(folder, 'secrets.json')]
  const open = (
    await Promise.all(
      files.map(async (file) => {
        const info = await stat(file).catch(() => undefined)
        return info && (info.mode & 0o077) !== 0 ? [{ file, folder: info.isDirectory() }] : []
      }),
    )
  ).flat()
  if (open.length === 0) return [ok('secrets', 'readable by their owner only')]
  return open.map(({ file, folder: isFolder }) => ({
    check: 'secrets',
    state: 'problem',
    message: `${file}: other users can read it`,
    remedy: 'run `nearside doctor --fix` to close it; change its secrets if another user may have read them',
    fix: {
      what: `chmod ${isFolder ? '700' : '600'} ${file}`,
      run: () => chmod(file, isFolder ? 0o700 : 0o600),
    },
  }))
}
