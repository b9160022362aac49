import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { NearsideError } from '../../lib/errors.ts'

/** The database's folder in a region's folder. `lab up --small-disk` mounts a small file system there. */
export const databaseDisk = 'data/postgres'
const filler = 'nearside-filler'
/** A larger disk was not created to be filled, so it is refused. */
const largestBytes = 8 * 1024 ** 3

/** Fills the disk to the last byte. Throws if the database has no disk of its own, to protect this machine's disk. */
export function fillDisk(regionFolder: string): void {
  mustBeSmallDisk(regionFolder)
  fillFile(join(regionFolder, databaseDisk, filler))
}

export function mustBeSmallDisk(regionFolder: string): void {
  const place = join(regionFolder, databaseDisk)
  const refuse = (why: string) =>
    new NearsideError('fault_no_small_disk', `${place}: ${why}`, {
      remedy: 'start the lab with a small disk for that region: `nearside lab up --small-disk REGION=1gb`',
    })
  const here = statSync(place, { throwIfNoEntry: false })
  if (!here) throw refuse('no database found here')
  if (here.dev === statSync(dirname(place)).dev) throw refuse('the database has no disk of its own')
  const { blocks, bsize } = statfsSync(place)
  if (blocks * bsize > largestBytes) throw refuse('its disk is larger than 8 GB')
}

export function freeDisk(regionFolder: string): void {
  rmSync(join(regionFolder, databaseDisk, filler), { force: true })
}

/** Appends zeros until the disk is full. */
function fillFile(file: string): void {
  const handle = openSync(file, 'a', 0o600)
  try {
    for (let size = 1024 * 1024; size >= 1; ) {
      try {
        if (writeSync(handle, zeros, 0, size) < size) size = Math.floor(size / 4)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        size = Math.floor(size / 4)
      }
    }
  } finally {
    closeSync(handle)
  }
}

const zeros = Buffer.alloc(1024 * 1024)
