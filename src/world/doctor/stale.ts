import { readFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { count } from '../../lib/format.ts'
import { isAlive } from '../../lib/proc.ts'
import { runToEnd } from '../../lib/run-to-end.ts'
import type { WorldHandle } from '../handle.ts'
import { localRegions } from '../here.ts'
import { processesOf, recordsOf } from '../processes.ts'
import { placeOf } from '../stop.ts'
import { type Finding, ok } from './finding.ts'

/** Stale files of this world: records and sockets of processes that have exited, and half-written files. */
export async function staleFindings(world: WorldHandle): Promise<Finding[]> {
  const found = await Promise.all(
    localRegions(world).map(async (region) => {
      const place = placeOf(world, region)
      // A running region cleans up after itself.
      if (processesOf(world.folder, [place]).length > 0) return []
      const records = [...recordsOf(place.folder)]
        .filter(([, id]) => !isAlive(id))
        .map(([name]) => join(place.folder, 'run', `${name}.json`))
      return [...records, ...(await deadSockets(join(place.folder, 'run'))), ...(await halves(place.folder))]
    }),
  )
  const files = [...found.flat(), ...(await halfFiles(world.folder))]
  if (files.length === 0) return [ok('files', 'no stale records or sockets in this world')]
  const what = `${count(files.length, 'stale file')}`
  return [
    {
      check: 'files',
      state: 'warning',
      message: `${what} of killed processes: harmless, the next start replaces them`,
      remedy: 'run `nearside doctor --fix` to remove them',
      fix: {
        what: `remove ${what}`,
        run: async () => {
          for (const file of files) await rm(file, { force: true })
        },
      },
    },
  ]
}

async function deadSockets(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const sockets = entries.filter((entry) => entry.isSocket()).map((entry) => join(folder, entry.name))
  const dead = await Promise.all(sockets.map(async (path) => ((await answers(path)) ? [] : [path])))
  return dead.flat()
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Keeps a socket whose path is too long to connect to.
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
}

const halves = async (folder: string) =>
  (await Promise.all(['run', 'etc'].map((name) => halfFiles(join(folder, name))))).flat()

/** Temporary files of a `writeAside` whose process was killed. */
async function halfFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => /\.[0-9a-f]{12}(\.new)?$/.test(name)).map((name) => join(folder, name))
}

type Segment = { id: string; size: number; creator: number; attached: number; uid: number }

/** Parses /proc/sysvipc/shm. Pure. */
export function parseSegments(text: string): Segment[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length > 7)
    .map(([, id, , size, creator, , attached, uid]) => ({
      id: id!,
      size: Number(size),
      creator: Number(creator),
      attached: Number(attached),
      uid: Number(uid),
    }))
}

/** PostgreSQL marks a data directory as in use with a shared memory segment of this size (only its header). */
const markBytes = 56
/** The kernel's limit is 4,096 segments. */
const manySegments = 1000

/**
 * A killed PostgreSQL leaves its segment behind. A restart on the same data directory recognizes and reuses a segment
 * with no attached process; if the world is removed instead, the segment stays forever.
 */
export function segmentFindings(
  text = readFileSync('/proc/sysvipc/shm', 'utf8'),
  isRunning: (pid: number) => boolean = (pid) => isAliveNow(pid),
  uid = process.getuid?.() ?? 0,
): Finding[] {
  const left = parseSegments(text).filter(
    (one) => one.size === markBytes && one.attached === 0 && one.uid === uid && !isRunning(one.creator),
  )
  if (left.length === 0) return [ok('shared memory', 'no segments left by killed PostgreSQL servers')]
  const what = `${count(left.length, 'shared memory segment')} of killed PostgreSQL servers`
  return [
    {
      check: 'shared memory',
      state: left.length > manySegments ? 'warning' : 'ok',
      message: `${what} (56 bytes each; the kernel allows 4,096)`,
      fix: {
        what: `remove ${what}`,
        run: async () => {
          const args = left.flatMap((one) => ['-m', one.id])
          await runToEnd({ file: 'ipcrm', args, env: { PATH: process.env.PATH ?? '' }, cwd: '/' }, 10_000)
        },
      },
    },
  ]
}

function isAliveNow(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
