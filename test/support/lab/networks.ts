import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { raiseLab } from '../../../src/lab/lab.ts'
import { baseLinks } from '../../../src/lab/links.ts'
import type { Region } from '../../../src/topology/regions.ts'
import { regionsOf } from '../../../src/topology/regions.ts'
import { insideOf } from '../../../src/world/namespaces/enter.ts'
import { labIdOf, namespaceOf, type Place } from '../../../src/world/namespaces/names.ts'
import { topologyOf, twoRegions } from '../topologies.ts'

/** Lab networks without a world. Everything that a test creates is removed when its process ends for any reason. */

export const labRegions: Region[] = regionsOf(topologyOf(twoRegions)).map((region) => ({
  ...region,
  address: `10.77.${region.index}.1`,
}))

export type TestNetwork = {
  id: string
  folder: string
  raise(): Promise<string[]>
  inside(place: Place): string[]
  close(): Promise<void>
}

/** `folder`: stands in for a world's folder; need not exist. */
export function testNetwork(folder: string): TestNetwork {
  const id = labIdOf(folder)
  const reaper = spawn(process.execPath, [join(import.meta.dirname, 'remove.ts'), '--wait', id], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  })
  reaper.unref()
  ;(reaper.stdin as unknown as { unref(): void }).unref()
  return {
    id,
    folder,
    raise: () => raiseLab(id, folder, labRegions, baseLinks(labRegions)),
    inside: (place) => insideOf(namespaceOf(id, place)),
    /** Removes the network from another process, which knows nothing about the processes started here. */
    async close() {
      if (reaper.exitCode !== null) return
      const gone = new Promise((resolve) => reaper.once('exit', resolve))
      reaper.ref()
      reaper.stdin!.end()
      await gone
    },
  }
}

/** Answers every TCP connection to this port, on all addresses, with `word` and the client's address. */
export async function startAnswering(
  inside: readonly string[],
  port: number,
  word: string,
): Promise<{ child: ChildProcess; stop(): void }> {
  const code = `require('net').createServer((s) => { s.on('error', () => {}); s.end('${word} ' + s.remoteAddress) })
    .listen(${port}, '0.0.0.0', () => console.log('listens'))`
  const [file, ...args] = [...inside, process.execPath, '-e', code]
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve, reject) => child.stdout!.once('data', resolve).once('end', reject))
  return { child, stop: () => void child.kill('SIGKILL') }
}

export type Connected = { answer?: string; error?: string; connectMs: number }

/** Connects repeatedly from a namespace, one connection at a time. Returns the result of each. */
export async function connectFrom(
  inside: readonly string[],
  target: {
    host: string
    port: number
    from?: string
    times?: number
    timeoutMs?: number
    /** Disconnect as soon as it is connected. */
    leave?: boolean
  },
): Promise<Connected[]> {
  const program = join(import.meta.dirname, 'connect.mjs')
  const { host, port, from = '', times = 1, timeoutMs = 1000, leave = false } = target
  const words = [
    ...inside,
    process.execPath,
    program,
    host,
    port,
    times,
    timeoutMs,
    leave ? 'leave' : 'read',
    from,
  ]
  const [file, ...args] = words.map(String)
  const { stdout } = await promisify(execFile)(file!, args)
  return JSON.parse(stdout) as Connected[]
}

/**
 * The shortest connection time of many, which is the line's own. A busy machine makes some longer, so it repeats until
 * one is at most 1 ms above the expected time, and at most 60 times.
 */
export async function roundTripMs(
  inside: readonly string[],
  target: { host: string; port: number; from?: string },
  askedMs: number,
): Promise<number> {
  let shortest = Infinity
  for (let round = 0; round < 10 && shortest >= askedMs + 1; round += 1) {
    const met = await connectFrom(inside, { ...target, times: 6, leave: true })
    shortest = Math.min(shortest, ...met.map((one) => one.connectMs).filter((ms) => ms > 0))
  }
  return shortest
}
