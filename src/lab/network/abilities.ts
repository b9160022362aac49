import { closeSync, openSync, readFileSync } from 'node:fs'
import { NearsideError } from '../../lib/errors.ts'
import { runWith } from './ip.ts'

/** What a lab needs of the machine that not every machine gives. */
type Lack = { what: string; remedy: string }

export type Machine = {
  platform: string
  uid: number
  /** /proc/self/status. */
  status: string
  /** Why no new network namespace can be made; '' when one can. */
  namespace: () => Promise<string>
  /** The error code of opening /dev/net/tun; '' when it opens. */
  tun: () => string
}

const needed: [bit: number, name: string, what: string][] = [
  [12, 'CAP_NET_ADMIN', 'makes devices, addresses and routes'],
  [21, 'CAP_SYS_ADMIN', 'makes network namespaces'],
]

const local =
  'nearside up runs the same world on this machine’s loopback addresses, without root and without distances'

/** The first thing that is missing, with what to do; undefined when a lab can be made. */
export async function lackOf(machine: Machine = thisMachine): Promise<Lack | undefined> {
  if (machine.platform !== 'linux')
    return { what: 'network namespaces, which only Linux has', remedy: 'run it in a Linux machine or VM' }
  if (machine.uid !== 0)
    return { what: `root (this is user ${machine.uid})`, remedy: `use sudo, or do without a lab: ${local}` }
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(machine.status)?.[1] ?? '0'}`)
  const absent = needed.filter(([bit]) => ((mask >> BigInt(bit)) & 1n) === 0n)
  if (absent.length > 0)
    return {
      what: absent.map(([, name, what]) => `${name}, which ${what}`).join(', and '),
      remedy: `give it to this container (docker run --cap-add ${absent.map(([, name]) => name).join(' --cap-add ')}); ${local}`,
    }
  const refused = await machine.namespace()
  if (refused !== '')
    return {
      what: `network namespaces, which are forbidden here (${refused})`,
      remedy: `allow unshare(CLONE_NEWNET): a seccomp profile or user.max_net_namespaces forbids it; ${local}`,
    }
  const code = machine.tun()
  if (code === '') return undefined
  const absentTun = code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO'
  return {
    what: `/dev/net/tun, which cannot be opened (${code})`,
    remedy: `${absentTun ? 'modprobe tun; in a container: --device /dev/net/tun' : 'allow this container the device 10:200 (docker run --device /dev/net/tun)'}; ${local}`,
  }
}

/** Throws `lab_impossible`. */
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
