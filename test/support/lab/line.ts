import { execFile, spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { unsandboxedCommand } from '../../../src/engines/root/unsandboxed.ts'
import { buildProgram } from '../../../src/lab/wan/build.ts'
import {
  connectShaper,
  type LinkParams,
  type Shaper,
  startShaper,
  stopShaper,
} from '../../../src/lab/wan/index.ts'
import { messageOf } from '../../../src/lib/errors.ts'
import { temporaryFolder, until } from '../sandboxed.ts'
import { namespacesMissing } from '../world/netns.ts'

/** Two places joined only by a shaper, so that its effect on packets can be measured in microseconds. */
export type Line = {
  folder: string
  shaper: Shaper
  /** Command prefix that runs a program there. */
  inside(place: 'a' | 'b' | 'router'): [string, ...string[]]
  /** Runs `ip` in that namespace; throws if it fails. */
  ip(place: 'a' | 'b' | 'router', ...args: string[]): string
  /** Sets one direction, or both without `from`. Missing parameters are 0. */
  set(params: Partial<LinkParams>, from?: 'a' | 'b'): Promise<void>
  probe(options: Probe): Promise<Arrival[]>
  startShaper(): Promise<void>
  close(): Promise<void>
}

export type Probe = {
  from?: 'a' | 'b'
  count: number
  /** Interval between packets; 0 sends as fast as possible. */
  everyUs: number
  /** Size of a packet including its IP header. */
  bytes?: number
  /** Time limit for the next packet. */
  waitMs?: number
  /** Source address, if not the place's own. */
  source?: string
}

/** `delayMs` counts from just before sending until the kernel at the other end has the packet. */
export type Arrival = { number: number; sentMs: number; arrivedMs: number; delayMs: number }

export const addresses = { a: '10.77.1.1', b: '10.77.2.1' }

/** Why this machine does not support it; undefined if it does. */
export function lineMissing(): string | undefined {
  return namespacesMissing() ?? tunMissing()
}

function tunMissing(): string | undefined {
  try {
    closeSync(openSync('/dev/net/tun', 'r+'))
    return undefined
  } catch (error) {
    return `no TUN devices here: ${messageOf(error)}`
  }
}

export async function startLine(): Promise<Line> {
  const root = locateEngineRoot().path
  const folder = join(temporaryFolder('wan'), 'shaper')
  const id = `nearside-wan-${process.pid}`
  const space = (place: string) => `${id}-${place}`
  const all = ['a', 'b', 'router'].map(space)
  const run = (args: readonly string[]) => {
    const [file, ...rest] = unsandboxedCommand(root, 'ip', args)
    const done = spawnSync(file, rest, { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr || done.error?.message}`)
    return done.stdout
  }
  // Runs however this process ends, because it reads from our pipe. The shaper exits once its namespace has no name.
  const remove = all
    .map((name) => unsandboxedCommand(root, 'ip', ['netns', 'del', name]).join(' '))
    .join('; ')
  const reaper = spawn('sh', ['-c', `cat; ${remove}`], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const removed = new Promise<void>((resolve) => reaper.once('exit', () => resolve()))

  const start = () => startShaper({ namespace: space('router'), device: 'wan', folder, root })
  let shaper: Shaper | undefined
  const close = async () => {
    shaper?.close()
    await stopShaper(folder)
    reaper.stdin.end()
    await removed
  }
  try {
    for (const name of all) {
      run(['netns', 'add', name])
      run(['-n', name, 'link', 'set', 'lo', 'up'])
    }
    const settings =
      'echo 1 > net/ipv4/ip_forward; for which in all default; do echo 0 > net/ipv4/conf/$which/rp_filter; done'
    run(['netns', 'exec', space('router'), 'sh', '-c', `cd /proc/sys; ${settings}`])
    await start()
    for (const [place, net] of [
      ['a', '10.77.1'],
      ['b', '10.77.2'],
    ] as const) {
      const [router, end, device] = [space('router'), space(place), `to-${place}`]
      run(['-n', router, 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', end])
      run(['-n', router, 'addr', 'add', `${net}.254/24`, 'dev', device])
      run(['-n', router, 'link', 'set', device, 'up'])
      run(['-n', router, 'rule', 'add', 'iif', device, 'lookup', '100'])
      run(['-n', end, 'addr', 'add', `${net}.1/24`, 'dev', 'uplink'])
      run(['-n', end, 'link', 'set', 'uplink', 'up'])
      run(['-n', end, 'route', 'add', 'default', 'via', `${net}.254`])
      await until(
        'the line to be up',
        () => !run(['-n', end, 'link', 'show', 'uplink']).includes('NO-CARRIER'),
      )
    }
    run(['-n', space('router'), 'route', 'add', 'default', 'dev', 'wan', 'table', '100'])
    shaper = await connectShaper(folder)
    await shaper.places([
      { place: 'a', prefix: '10.77.1.0/24' },
      { place: 'b', prefix: '10.77.2.0/24' },
    ])
  } catch (error) {
    await close()
    throw error
  }

  const program = await buildProgram({
    name: 'nearside-probe',
    sourceFolder: fileURLToPath(new URL('probe', import.meta.url)),
    root,
  })
  const line: Line = {
    folder,
    shaper,
    inside: (place) => unsandboxedCommand(root, 'ip', ['netns', 'exec', space(place)]),
    ip: (place, ...args) => run(['-n', space(place), ...args]),
    async set(params, from) {
      const whole = { delayMs: 0, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false, ...params }
      const both = [
        { from: 'a', to: 'b', params: whole },
        { from: 'b', to: 'a', params: whole },
      ]
      await line.shaper.set(both.filter((link) => from === undefined || link.from === from))
    },
    async probe({ from = 'a', count, everyUs, bytes = 200, waitMs = 1_000, source }) {
      const to = from === 'a' ? 'b' : 'a'
      // The kernel sends only from local addresses.
      if (source) run(['-n', space(from), 'route', 'replace', 'local', source, 'dev', 'lo'])
      const { stdout } = await promisify(execFile)(
        program,
        [
          ...[join('/run/netns', space(from)), source ?? addresses[from]],
          ...[join('/run/netns', space(to)), addresses[to]],
          ...[count, everyUs * 1000, bytes, waitMs].map(String),
        ],
        { maxBuffer: 256e6 },
      )
      return stdout.trim() === '' ? [] : stdout.trim().split('\n').map(arrival)
    },
    startShaper: start,
    close,
  }
  // The kernel resolves neighbours (ARP) before it sends, which is not part of the line's delay.
  await line.set({})
  await line.probe({ count: 1, everyUs: 0 })
  await line.probe({ from: 'b', count: 1, everyUs: 0 })
  return line
}

function arrival(text: string): Arrival {
  // Nanoseconds since 1970 do not fit into a JavaScript number, but their difference does.
  const [number, sent, arrived] = text.split(' ').map((word) => BigInt(word)) as [bigint, bigint, bigint]
  const delayMs = Number(arrived - sent) / 1e6
  return { number: Number(number), sentMs: Number(sent) / 1e6, arrivedMs: Number(arrived) / 1e6, delayMs }
}
