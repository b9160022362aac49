import { setTimeout as sleep } from 'node:timers/promises'
import { NearsideError } from '../../lib/errors.ts'
import { exists, forgetStale, insideOf } from '../../world/namespaces/enter.ts'
import { namespaceOf, type Place } from '../../world/namespaces/names.ts'
import {
  deviceOf,
  insideAddress,
  internetIndex,
  labBase,
  routerAddress,
  usersNetwork,
  wanDevice,
} from './addresses.ts'
import { ip, ipBatch, runWith, tryIp } from './ip.ts'
import { register } from './registry.ts'

/** A lab's network: its id, its world's folder, and the indexes of its regions. */
type Network = { id: string; folder: string; indexes: readonly number[] }

/**
 * Creates the missing parts of a lab's network and leaves complete ones alone: namespaces, a router with a veth pair to
 * each, and the TUN device that carries everything between two places. Resolves to the places that were created, once
 * their links carry packets.
 *
 * Isolated by construction: no namespace has a link to the host, and the router forwards only packets from the TUN
 * device. Without a shaper, that device drops everything. The router's own packets bypass it: the router is the
 * operator's place.
 */
export async function makeNetwork({ id, folder, indexes }: Network): Promise<Place[]> {
  register(id, folder)
  const places: Place[] = ['router', 'internet', ...indexes]
  const missing = places.filter((place) => !exists(namespaceOf(id, place)))
  for (const place of missing) forgetStale(namespaceOf(id, place))
  if (missing.length > 0)
    await ip(['-batch', '-'], missing.map((place) => `netns add ${namespaceOf(id, place)}\n`).join(''))
  const router = namespaceOf(id, 'router')
  const made: Place[] = []
  const routerLinks = await linksIn(router)
  if (!isWhole(routerLinks, wanDevice)) {
    await makeRouter(router)
    made.push('router')
  }
  const lines = places.filter((place) => place !== 'router')
  const found = await Promise.all(lines.map((place) => linksIn(namespaceOf(id, place))))
  const broken = lines.filter((place, i) => {
    const outer = routerLinks.find((link) => link.ifname === deviceOf(place))
    return !isWhole(found[i]!, uplink) || outer?.operstate !== 'UP'
  })
  await Promise.all(broken.map((place) => makeLine(id, place)))
  await untilUp(broken.map((place) => namespaceOf(id, place)))
  return [...made, ...broken]
}

/**
 * Creates only the router's namespace, so that a command can enter it; `makeNetwork` does the rest. Registers its owner
 * first: a network without one would be taken for the remains of a dead world.
 */
export async function makeRouterNamespace(id: string, worldFolder: string): Promise<void> {
  register(id, worldFolder)
  const name = namespaceOf(id, 'router')
  forgetStale(name)
  const { code, stderr } = await tryIp(['netns', 'add', name])
  // If two commands run at the same time, the second one fails here.
  if (code === 0 || exists(name)) return
  throw new NearsideError('lab_network_failed', `ip netns add ${name}: ${stderr.trim()}`, {
    remedy: 'see `nearside doctor` for the requirements of a lab',
  })
}

const uplink = 'uplink'
const shaped = 100
/** Set as the loopback device's alias once a namespace is complete; incomplete ones are recreated. */
const completeMark = 'nearside'

type Link = { ifname: string; operstate: string; ifalias?: string }

const linksIn = async (namespace: string): Promise<Link[]> =>
  JSON.parse((await ip(['-n', namespace, '-json', 'link', 'show'])) || '[]') as Link[]

const isWhole = (links: readonly Link[], device: string) =>
  links.some((link) => link.ifname === 'lo' && link.ifalias === completeMark) &&
  links.some((link) => link.ifname === device)

const noNameserver = `rule add pref 500 to ${usersNetwork} ipproto udp dport 53 unreachable`

/** Without this, the kernel's IPv6 link-local address would send packets on its own. */
const noLinkLocal = (device: string) => `link set ${device} addrgenmode none`

async function makeRouter(router: string): Promise<void> {
  const rules = [
    `pref 1000 iif lo lookup main`,
    `pref 1001 iif ${wanDevice} lookup main`,
    `pref 1002 lookup ${shaped}`,
  ]
  const remains = [
    `link del ${wanDevice}`,
    ...rules.map((rule) => `rule del ${rule}`),
    `route flush table ${shaped}`,
  ]
  await tryIp(['-n', router, '-force', '-batch', '-'], `${remains.join('\n')}\n`)
  await ipBatch(router, [
    ...rules.map((rule) => `rule add ${rule}`),
    // If the device is missing, packets must not take another route.
    `route add blackhole default table ${shaped} metric 4096`,
    'link set lo up',
    `tuntap add dev ${wanDevice} mode tun`,
    noLinkLocal(wanDevice),
    `link set ${wanDevice} up`,
    `route add default dev ${wanDevice} table ${shaped}`,
  ])
  await setKernel(router, {
    // Replies arrive on another device than the one that requests left through.
    'net/ipv4/conf/all/rp_filter': '0',
    'net/ipv4/conf/default/rp_filter': '0',
    [`net/ipv4/conf/${wanDevice}/rp_filter`]: '0',
    'net/ipv4/conf/all/send_redirects': '0',
    'net/ipv4/conf/default/send_redirects': '0',
    'net/ipv4/ip_forward': '1',
  })
  await ipBatch(router, [`link set lo alias ${completeMark}`])
}

async function makeLine(id: string, place: Place): Promise<void> {
  const [router, namespace] = [namespaceOf(id, 'router'), namespaceOf(id, place)]
  const index = typeof place === 'number' ? place : internetIndex
  const outer = deviceOf(place)
  await tryIp(['-n', router, 'link', 'del', outer])
  await tryIp(['-n', namespace, 'link', 'del', uplink])
  await ipBatch(router, [
    `link add ${outer} type veth peer name ${uplink} netns ${namespace}`,
    noLinkLocal(outer),
    `addr add ${routerAddress(index)}/24 dev ${outer}`,
    `link set ${outer} up`,
  ])
  const gateway = `via ${routerAddress(index)}`
  await ipBatch(namespace, [
    'link set lo up',
    noLinkLocal(uplink),
    `addr add ${insideAddress(index)}/24 dev ${uplink}`,
    `link set ${uplink} up`,
    // A region has no default route: connections outside the lab fail immediately instead of hanging.
    ...(place === 'internet'
      ? [`route add default ${gateway}`, `route replace local ${usersNetwork} dev lo`]
      : [`route add ${labBase}.0.0/16 ${gateway}`, `route add ${usersNetwork} ${gateway}`]),
    `link set lo alias ${completeMark}`,
  ])
  // The host's name server may have an address in the users' network. Patroni resolves its own name at every start and
  // would wait 10 s for an answer that cannot come. A kernel without such rules only causes the delay.
  if (place !== 'internet') await tryIp(['-n', namespace, ...noNameserver.split(' ')])
  if (place === 'internet')
    await ipBatch(router, [`route replace ${usersNetwork} via ${insideAddress(index)} dev ${outer}`])
}

/** /proc/sys/net shows the network of the reading process, so it must be written from inside the namespace. */
async function setKernel(namespace: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const script = 'while read -r name value; do echo "$value" > "/proc/sys/$name" || exit 1; done'
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`)
  const { code, stderr } = await runWith([...insideOf(namespace), 'sh', '-c', script], lines.join(''))
  if (code === 0) return
  throw new NearsideError(
    'lab_network_failed',
    `${namespace}: could not write kernel settings: ${stderr.trim()}`,
    { remedy: 'give the container a writable /proc/sys/net (for example docker run --privileged)' },
  )
}

const upWithinMs = 10_000

/** Packets are dropped until the kernel has seen both ends of a link come up. */
async function untilUp(namespaces: readonly string[]): Promise<void> {
  const deadline = performance.now() + upWithinMs
  for (let waiting = [...namespaces]; ; await sleep(20)) {
    const links = await Promise.all(waiting.map(linksIn))
    waiting = waiting.filter((_, i) => links[i]!.find((link) => link.ifname === uplink)?.operstate !== 'UP')
    if (waiting.length === 0) return
    if (performance.now() > deadline)
      throw new NearsideError('lab_network_failed', `${waiting.join(', ')}: the link does not come up`, {
        remedy: 'run `nearside lab down`, then `nearside lab up`',
      })
  }
}
