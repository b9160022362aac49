import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { didYouMean } from '../../lib/did-you-mean.ts'
import { NearsideError } from '../../lib/errors.ts'
import { readQuantity, sizeBytes } from '../../lib/quantities.ts'
import { runToEnd } from '../../lib/run-to-end.ts'
import { databaseDisk } from './fill-disk.ts'

/**
 * Small disks for databases, in bytes by region: each is a tmpfs in the region's folder, which can be filled without
 * filling this machine's disk. It stays mounted while the lab is down, because it contains the database. After a reboot
 * it is empty, and the region copies the database again.
 */
type SmallDisks = Readonly<Record<string, number>>

/** A new database with its first WAL takes about 100 MB. */
const diskSize = sizeBytes({ least: 256 * 1024 ** 2, most: 4 * 1024 ** 3, example: '512mb' })

/** `us-east=512mb`. Pure. */
export function parseSmallDisks(texts: readonly string[], fullRegions: readonly string[]): SmallDisks {
  const option = '--small-disk'
  const found = texts.map((text) => {
    const [, region = '', size = ''] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (size === '')
      throw new NearsideError(
        'usage_small_disk',
        `${option}: expected REGION=SIZE, such as us-east=512mb, got ${JSON.stringify(text)}`,
      )
    if (!fullRegions.includes(region)) {
      throw new NearsideError(
        'usage_small_disk',
        `${option}: expected a region with a database (${fullRegions.join(', ')}), got ${JSON.stringify(region)}`,
        { remedy: didYouMean(region, fullRegions) },
      )
    }
    return [region, readQuantity(diskSize, `${option} ${region}`, size)] as const
  })
  return Object.fromEntries(found)
}

export async function mountSmallDisk(regionFolder: string, bytes: number): Promise<void> {
  const place = join(regionFolder, databaseDisk)
  await mkdir(place, { recursive: true, mode: 0o700 })
  if (statSync(place).dev !== statSync(dirname(place)).dev) return
  if (readdirSync(place).length > 0)
    throw new NearsideError(
      'lab_disk_in_use',
      `${place}: a database already exists there, on this machine’s disk`,
      {
        remedy:
          'run `nearside lab down --purge`, then `nearside lab up --small-disk …`: the lab starts without data',
      },
    )
  await tool('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'nearside-small-disk', place])
}

/** Must be called before a world's folder is removed. */
export async function unmountSmallDisks(worldFolder: string): Promise<void> {
  for (const place of mountsBelow(worldFolder, readFileSync('/proc/self/mountinfo', 'utf8')))
    await tool('umount', [place])
}

/** The small disks mounted below the folder. Pure. */
export function mountsBelow(folder: string, mountInfo: string): string[] {
  return mountInfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ')
    const place = left
      .split(' ')[4]
      ?.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    return place?.startsWith(`${folder}/`) && right.split(' ')[1] === 'nearside-small-disk' ? [place] : []
  })
}

async function tool(file: string, args: string[]): Promise<void> {
  const done = await runToEnd(
    { file, args, env: { PATH: process.env.PATH ?? '/usr/bin:/bin' }, cwd: '/' },
    10_000,
  )
  if (done.code === 0) return
  throw new NearsideError('lab_disk_failed', `${file} ${args.at(-1)}: ${done.output.trim()}`, {
    remedy: 'a small disk needs root and the permission to mount (in a container: --cap-add SYS_ADMIN)',
  })
}
