import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, statSync } from 'node:fs'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { folderVariable } from '../../agent/layout.ts'
import { NearsideError } from '../../lib/errors.ts'
import { identify, isAlive, signal } from '../../lib/proc.ts'
import { buildProgram } from './build.ts'
import { socketName } from './client.ts'
import { startFailure } from './failure.ts'
import { programName, readRecord, removeRecord, shapersOf, writeRecord } from './record.ts'

const sourceFolder = fileURLToPath(new URL('shaper', import.meta.url))

/** It has no data to save, so it exits immediately or not at all. */
const endWithinMs = 2_000
const readyWithinMs = 10_000

type StartOptions = {
  /** Name of a network namespace, as in `ip netns`. */
  namespace: string
  /** Name of the TUN device. Created if missing, and then removed when the shaper exits. */
  device: string
  /** For control socket, record and log; created with mode 0700 if missing. */
  folder: string
  /** The engine root, which has the compiler. */
  root: string
  /** Seed of losses and jitter. */
  seed?: number
}

/**
 * Starts the shaper in a namespace, unless it already runs there; first stops one that runs elsewhere for the same
 * folder. When it resolves, the device is up and the socket answers. The shaper outlives us.
 *
 * When the shaper exits, routes to its device disappear. To have packets dropped then instead of sent unshaped, add an
 * `unreachable default` with a higher metric to the same table.
 */
export async function startShaper(options: StartOptions): Promise<void> {
  const { namespace, device, folder, root, seed = 1 } = options
  if (process.getuid?.() !== 0)
    throw new NearsideError('lab_not_root', 'a lab needs root: network namespaces and a TUN device', {
      remedy: 'use sudo, or run `nearside up`, which starts the same world on this machine without latency',
    })
  const program = await buildProgram({ name: programName, sourceFolder, root })
  const path = join('/run/netns', namespace)
  const namespaceInode = inodeOf(path, namespace)
  const running = readRecord(folder)
  if (
    running &&
    isAlive(running) &&
    running.program === program &&
    running.device === device &&
    running.namespaceInode === namespaceInode
  )
    return
  await stopShaper(folder)

  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const log = openSync(join(folder, 'shaper.log'), 'a', 0o600)
  let child: ChildProcess
  try {
    child = spawn(program, [path, device, folder, String(seed)], {
      cwd: '/',
      env: { [folderVariable]: folder },
      // A session of its own: neither Ctrl-C nor a closed terminal reaches it.
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
    })
  } finally {
    closeSync(log)
  }
  try {
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    // Start reading now: Node discards unread output of a process that has exited.
    const report = lastWords(child)
    const id = identify(child.pid!)
    if (id) await writeRecord(folder, { ...id, program, device, namespaceInode })
    const said = await report
    if (said !== 'ready') throw startFailure(said, { namespace, device, folder })
  } catch (error) {
    child.kill('SIGKILL')
    await stopShaper(folder)
    throw error
  }
}

/** Stops the shaper of a folder, however it was started; keeps folder and log. No error if none runs. */
export async function stopShaper(folder: string): Promise<void> {
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    const giveUpAt = performance.now() + endWithinMs
    for (const one of shapersOf(folder)) signal(one, name)
    while (shapersOf(folder).length > 0 && performance.now() < giveUpAt) await sleep(5)
  }
  if (shapersOf(folder).length > 0)
    throw new NearsideError('wan_immortal', `${folder}: the shaper does not exit, not even on SIGKILL`)
  await rm(join(folder, socketName), { force: true })
  await removeRecord(folder)
}

function inodeOf(path: string, namespace: string): number {
  try {
    return statSync(path).ino
  } catch (cause) {
    throw new NearsideError('wan_no_namespace', `${namespace}: no such network namespace`, {
      cause,
    })
  }
}

/** The shaper's start report, which is complete once it is ready or has exited. */
async function lastWords(child: ChildProcess): Promise<string> {
  const pipe = child.stdio[3] as Readable
  const timer = setTimeout(() => pipe.destroy(new Error('silent')), readyWithinMs)
  let words = ''
  try {
    for await (const part of pipe) words += String(part)
  } catch {
    // Timed out: use what has arrived.
  } finally {
    clearTimeout(timer)
  }
  return words.trim()
}
