import { closeSync, openSync, readFileSync } from 'node:fs'
import { NearsideError } from '../../lib/errors.ts'
import { runWith } from './ip.ts'

/** A requirement of labs that this machine does not meet. */
type Lack = { what: string; remedy: string }

export type Machine = {
  platform: string
  uid: number
  /** /proc/self/status. */
  status: string
  /** Why no network namespace can be created; '' if one can. */
  namespace: () => Promise<string>
  /** Error code from opening /dev/net/tun; '' if it opens. */
  tun: () => string
}

const needed: [bit: number, name: string, what: string][] = [
  [12, 'CAP_NET_ADMIN', 'creates devices, addresses and routes'],
  [21, 'CAP_SYS_ADMIN', 'creates network namespaces'],
]

const local = '`nearside up` runs the same world on loopback addresses, without root and without latency'

/** The first unmet requirement, with a remedy; undefined if a lab can be created. */
export async function lackOf(machine: Machine = thisMachine): Promise<Lack | undefined> {
  if (machine.platform !== 'linux')
    return { what: 'network namespaces, which only Linux has', remedy: 'run it on a Linux machine or VM' }
  if (machine.uid !== 0)
    return { what: `root (this is user ${machine.uid})`, remedy: `use sudo; alternatively, ${local}` }
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(machine.status)?.[1] ?? '0'}`)
  const absent = needed.filter(([bit]) => ((mask >> BigInt(bit)) & 1n) === 0n)
  if (absent.length > 0)
    return {
      what: absent.map(([, name, what]) => `${name}, which ${what}`).join(', and '),
      remedy: `grant it to this container (docker run --cap-add ${absent.map(([, name]) => name).join(' --cap-add ')}); ${local}`,
    }
  const refused = await machine.namespace()
  if (refused !== '')
    return {
      what: `network namespaces, which are not permitted here (${refused})`,
      remedy: `allow unshare(CLONE_NEWNET), which a seccomp profile or user.max_net_namespaces blocks; ${local}`,
    }
  const code = machine.tun()
  if (code === '') return undefined
  const absentTun = code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO'
  return {
    what: `/dev/net/tun, which could not be opened (${code})`,
    remedy: `${absentTun ? 'run `modprobe tun`; in a container, add --device /dev/net/tun' : 'give this container access to device 10:200 (docker run --device /dev/net/tun)'}; ${local}`,
  }
}

/** Throws `lab_impossible` if a requirement is not met. */
export async function mustBeAble(machine: Machine = thisMachine): Promise<void> {
  const lack = await lackOf(machine)
  if (lack) throw new NearsideError('lab_impossible', `a lab needs ${lack.what}`, { remedy: lack.remedy })
}

const thisMachine: Machine = {
  platform: process.platform,
  uid: process.getuid?.() ?? -1,
  get status() {
    return readFileSync('/proc/self/status', 'utf8')
  },
  async namespace() {
    const { code, stderr } = await runWith(['unshare', '--net', 'true'])
    return code === 0 ? '' : stderr.trim().split('\n')[0] || `exit ${code}`
  },
  tun() {
    try {
      closeSync(openSync('/dev/net/tun', 'r+'))
      return ''
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'unknown'
    }
  },
}
