import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { until } from '../sandboxed.ts'
import type { Place } from '../world.ts'
import { takeNetwork } from './network.ts'

/**
 * Regions on separate networks: each in its own network namespace, joined by a router in another namespace, which can
 * drop packets in one direction only. The machine's own namespace reaches every region over a line that is never cut,
 * so that tests and users reach every edge regardless of cuts between regions.
 */
export type Networks = Place & {
  /** Drops all packets from `from` to these regions. */
  cut: (from: string, to: readonly string[]) => void
  /** Removes every cut. */
  heal: () => void
}

/** Why this machine does not support network namespaces; undefined if it does. */
export function namespacesMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const probe = `nearside-probe-${process.pid}`
  const made = run(['netns', 'add', probe])
  if (made !== '') return `no network namespaces here: ${made}`
  const rule = run(['-n', probe, 'rule', 'add', 'from', '10.0.0.1', 'blackhole'])
  run(['netns', 'del', probe])
  return rule === '' ? undefined : `no policy routing here: ${rule}`
}

export async function startNetworks(regions: readonly string[]): Promise<Networks> {
  const { base, giveBack } = await takePrivateNetwork()
  const id = process.pid
  const router = `nearside-${id}-router`
  const space = (region: string) => `nearside-${id}-${regions.indexOf(region) + 1}`
  const all = [router, ...regions.map(space)]
  const remove = () => {
    for (const name of all) run(['netns', 'del', name])
    giveBack()
  }
  try {
    for (const name of all) {
      ip(['netns', 'add', name])
      ip(['-n', name, 'link', 'set', 'lo', 'up'])
    }
    set(router, 'net/ipv4/ip_forward', '1')
    // A cut return path must not drop incoming packets.
    for (const which of ['all', 'default']) set(router, `net/ipv4/conf/${which}/rp_filter`, '0')
    for (const [index, region] of regions.entries()) {
      const number = index + 1
      const [inner, outer] = ['uplink', `r${number}`]
      ip(['-n', router, 'link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', space(region)])
      connect(router, outer, `${base}.${number}.254/24`)
      connect(space(region), inner, `${base}.${number}.1/24`)
      ip(['-n', space(region), 'route', 'add', 'default', 'via', `${base}.${number}.254`])
    }
    const line = `ns${id}`
    ip(['link', 'add', line, 'type', 'veth', 'peer', 'name', 'host', 'netns', router])
    ip(['addr', 'add', `${base}.254.1/24`, 'dev', line])
    ip(['link', 'set', line, 'up'])
    connect(router, 'host', `${base}.254.254/24`)
    for (const [index] of regions.entries())
      ip(['route', 'add', `${base}.${index + 1}.0/24`, 'via', `${base}.254.254`])
    // The kernel takes a while to see that both ends of a veth pair are up; until then there is no carrier.
    await until('every line to be up', () =>
      regions.every((region) => !ip(['-n', space(region), 'link', 'show', 'uplink']).includes('NO-CARRIER')),
    )
  } catch (error) {
    remove()
    throw error
  }

  const network = (region: string) => `${base}.${regions.indexOf(region) + 1}.0/24`
  const cuts = new Set<string>()
  const rule = (action: 'add' | 'del', cut: string) =>
    ip(['-n', router, 'rule', action, ...cut.split(' '), 'blackhole'])
  return {
    base,
    inside: (region) => [...ipCommand(), 'netns', 'exec', space(region)],
    cut(from, to) {
      for (const other of to) {
        const cut = `from ${network(from)} to ${network(other)}`
        if (cuts.has(cut)) continue
        rule('add', cut)
        cuts.add(cut)
      }
    },
    heal() {
      for (const cut of cuts) rule('del', cut)
      cuts.clear()
    },
    removal: ['sh', '-c', all.map((name) => `${ipCommand().join(' ')} netns del ${name}`).join('; ')],
    remove,
  }
}

/** 10.<n>. The second number is reserved like that of a loopback world: it also determines the ports of apps. */
async function takePrivateNetwork(): Promise<{ base: string; giveBack: () => void }> {
  for (let tried = 0; tried < 20; tried += 1) {
    const { base, giveBack } = await takeNetwork()
    const mine = `10.${base.split('.')[1]}`
    const routes = ip(['route', 'show', 'match', `${mine}.1.1`]).split('\n')
    if (routes.every((route) => route === '' || route.startsWith('default'))) return { base: mine, giveBack }
    giveBack()
  }
  throw new Error('every tried network of 10.0.0.0/8 is in use on this machine')
}

function connect(space: string, device: string, address: string): void {
  ip(['-n', space, 'addr', 'add', address, 'dev', device])
  ip(['-n', space, 'link', 'set', device, 'up'])
}

function set(space: string, name: string, value: string): void {
  ip(['netns', 'exec', space, 'sh', '-c', `echo ${value} > /proc/sys/${name}`])
}

/** The machine's `ip`, or the engine root's with its own libraries. */
function ipCommand(): string[] {
  const found = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
    .map((folder) => join(folder, 'ip'))
    .find((path) => existsSync(path))
  if (found) return [found]
  const usr = join(locateEngineRoot().path, 'usr')
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
  const loader = process.arch === 'arm64' ? 'ld-linux-aarch64.so.1' : 'ld-linux-x86-64.so.2'
  const libraries = join(usr, 'lib', triplet)
  return [join(libraries, loader), '--library-path', libraries, join(usr, 'sbin/ip')]
}

/** '' on success, else the error output. */
function run(args: string[]): string {
  const [file, ...before] = ipCommand()
  const done = spawnSync(file!, [...before, ...args], { encoding: 'utf8' })
  if (done.status === 0) return ''
  return (done.stderr || done.error?.message || `exit ${done.status}`).trim()
}

function ip(args: string[]): string {
  const [file, ...before] = ipCommand()
  const done = spawnSync(file!, [...before, ...args], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr || done.error?.message}`)
  return done.stdout.trim()
}
