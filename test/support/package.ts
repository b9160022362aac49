import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { home } from '../../setup/paths.mjs'
import { withLock } from '../../src/lib/lock.ts'

export type Packed = {
  tarball: string
  /** Paths of the files in the package. */
  files: string[]
}

/** Runs `npm pack`, which builds first. Takes a lock, because two builds would write to the same folder. */
export async function pack(target: string): Promise<Packed> {
  const name = createHash('sha256').update(home).digest('hex').slice(0, 12)
  const lock = join(tmpdir(), `nearside-test-pack-${userInfo().uid}-${name}.lock`)
  const args = ['pack', '--pack-destination', target]
  await withLock(
    lock,
    `test process ${process.pid}`,
    () => undefined,
    () => promisify(execFile)('npm', args, { cwd: home }),
  )
  const tarball = execFileSync('find', [target, '-name', 'nearside-*.tgz'], { encoding: 'utf8' }).trim()
  const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n')
  return { tarball, files: listed.map((path) => path.replace(/^package\//, '')) }
}

/** Unpacks the package into a folder's node_modules as npm does, without its dependencies. */
export function unpack({ tarball }: Packed, folder: string): string {
  const target = join(folder, 'node_modules/nearside')
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components', '1'])
  return target
}
