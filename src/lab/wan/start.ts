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

/** It has no data to save, so it ends at once or not at all. */
const endWithinMs = 2_000
const readyWithinMs = 10_000

type StartOptions = {
  /** Name of a network namespace, as `ip netns` knows it. */
  namespace: string
  /** Name of the TUN device. It is made if it is not there, and then it is gone when the shaper ends. */
  device: string
  /** Made with mode 0700 if missing: control socket, record, log. */
  folder: string
  /** The engine root, whose compiler is used. */
  root: string
  /** What losses and jitter are drawn from. */
  seed?: number
}

/**
 * Starts the shaper in a namespace, unless it runs there already; one that runs elsewhere for the same folder is ended
 * first. When it resolves, the device is up and the socket answers. It outlives us.
 *
 * Routes to the device go with it when it ends: whoever wants packets dropped then, and not sent unshaped, adds an
 * `unreachable default` with a higher metric to the same table.
 */
export async function startShaper(options: StartOptions): Promise<void> {
  const { namespace, device, folder, root, seed = 1 } = options
  if (process.getuid?.() !== 0)
    throw new NearsideError('lab_not_root', 'a lab needs root: network namespaces and a TUN device', {
      remedy: 'use sudo, or `nearside up`, which starts the same world on this machine without distances',
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
      // A session of its own: neither Ctrl-C nor the end of the terminal reaches it.
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
    })
  } finally {
    closeSync(log)
  }
  try {
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    // Read from now on: Node throws away what nobody reads of a process that has ended.
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

/** Ends the shaper of a folder, however it was started; the folder and the log stay. Nothing to do is no error. */
export async function stopShaper(folder: string): Promise<void> {
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    const giveUpAt = performance.now() + endWithinMs
    for (const one of shapersOf(folder)) signal(one, name)
    while (shapersOf(folder).length > 0 && performance.now() < giveUpAt) await sleep(5)
  }
  if (shapersOf(folder).length > 0)
    throw new NearsideError('wan_immortal', `${folder}: the shaper does not end, not even by SIGKILL`)
  await rm(join(folder, socketName), { force: true })
  await removeRecord(folder)
}

function inodeOf(path: string, namespace: string): number {
  try {
    return statSync(path).ino
  } catch (cause) {
    throw new NearsideError('wan_no_namespace', `${namespace}: there is no network namespace of that name`, {
      cause,
    })
  }
}

/** What it says of its start; whatever it says is at an end when it is ready or dead. */
async function lastWords(child: ChildProcess): Promise<string> {
  const pipe = child.stdio[3] as Readable
  const timer = setTimeout(() => pipe.destroy(new Error('silent')), readyWithinMs)
  let words = ''
  try {
    for await (const part of pipe) words += String(part)
  } catch {
    // Destroyed: what there is has to do.
  } finally {
    clearTimeout(timer)
  }
  return words.trim()
}
