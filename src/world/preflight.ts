import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NearsideError } from '../lib/errors.ts'
import { bytes, count } from '../lib/format.ts'
import type { Listener } from '../lib/listeners.ts'
import type { Region } from '../topology/regions.ts'
import type { DraftWorld } from './handle.ts'
import { worldName } from './origin.ts'
import { needsOf, takenLines, type Use, usesOf } from './ports.ts'

/** Checks beforehand for conditions that would make a start fail halfway. */
export async function preflight(
  world: DraftWorld,
  regions: readonly Region[],
  all?: readonly Listener[],
): Promise<void> {
  // Each region of a lab has an address, and so all its ports, to itself.
  if (world.record.lab) return enoughSpace(world, regions)
  const needs = regions.flatMap((region) => needsOf(world.record.topology, region))
  const taken = usesOf(needs, all).filter((use) => !isOurs(use, world))
  if (taken.length > 0) throw portsTaken(taken)
  await enoughSpace(world, regions)
}

/** The next agent adopts or replaces processes that an earlier agent started in the same region. */
const isOurs = ({ holder, need }: Use, world: DraftWorld) =>
  holder.origin?.world === world.folder && holder.origin.region === need.region

function portsTaken(taken: readonly Use[]): NearsideError {
  const worlds = [...new Set(taken.flatMap(({ holder }) => holder.origin?.world ?? []))]
  const head = `${count(taken.length, 'port')} of this world ${taken.length === 1 ? 'is' : 'are'} already in use`
  return new NearsideError('port_in_use', head, {
    details: takenLines(taken),
    remedy:
      worlds.length > 0
        ? `set another network.base for this world, or stop ${worlds.map(worldName).join(', ')} with \`nearside down\``
        : `${stubRemedy(taken)}stop these processes, or set other ports under ports in the topology`,
  })
}

/** Port 53 is usually taken by the machine's own resolver, which must not simply be stopped. */
const stubRemedy = (taken: readonly Use[]) =>
  taken.some(({ need }) => need.port === 53)
    ? 'if systemd-resolved has port 53, set DNSStubListener=no in /etc/systemd/resolved.conf and run `systemctl restart systemd-resolved`; otherwise '
    : ''

/** A new full region needs about 120 MB immediately (initial PostgreSQL files, etcd's log) and grows from there. */
const newRegionBytes = 400 * 1024 * 1024
const oldRegionBytes = 64 * 1024 * 1024

async function enoughSpace(world: DraftWorld, regions: readonly Region[]): Promise<void> {
  const { bavail, bsize } = await statfs(existing(world.folder))
  const needed = regions
    .map((region) =>
      region.full && !existsSync(join(world.regionFolder(region.name), 'data', 'postgres', 'main'))
        ? newRegionBytes
        : oldRegionBytes,
    )
    .reduce((sum, one) => sum + one, 0)
  const free = bavail * bsize
  if (free >= needed) return
  throw new NearsideError(
    'disk_full',
    `${world.folder}: expected ${bytes(needed)} of free disk space for ${count(regions.length, 'region')}, found ${bytes(free)}`,
    { remedy: 'free some space, or move the app’s folder to a larger disk' },
  )
}

/** The folder itself, or the nearest one above it: a new world has none yet. */
const existing = (folder: string): string => (existsSync(folder) ? folder : existing(dirname(folder)))
