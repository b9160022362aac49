import { etcdQuotaBytes } from '../../engines/etcd/render.ts'
import { freeSpace, type MemberSpace, spaceState } from '../../engines/etcd/space.ts'
import { Etcd } from '../../lib/etcd.ts'
import { bytes, list } from '../../lib/format.ts'
import type { WorldHandle } from '../handle.ts'
import { type Finding, ok } from './finding.ts'

const askMs = 2000
/** Defragmenting 2 GB can block a member for that long. */
const freeMs = 120_000

/** Space in the world's etcd, read from each member directly because agents may be dead or unable to report it. */
export async function etcdFindings(world: WorldHandle): Promise<Finding[]> {
  const voting = world.regions.filter((region) => region.votes)
  const clientOf = (address: string, timeoutMs: number) =>
    new Etcd({
      endpoints: [`http://${address}:${world.record.topology.ports.etcdClient}`],
      username: 'root',
      password: world.secrets.etcd,
      timeoutMs,
    })
  const found = await Promise.all(
    voting.map(async ({ name, address }): Promise<MemberSpace | undefined> => {
      const status = await clientOf(address, askMs)
        .status()
        .catch(() => undefined)
      return status && { region: name, dbBytes: status.dbBytes, alarms: status.alarms }
    }),
  )
  const members = found.filter((one) => one !== undefined)
  const answering = voting.filter((region) => members.some((one) => one.region === region.name))
  return [evaluateEtcd(members, () => freeSpace(answering.map(({ address }) => clientOf(address, freeMs))))]
}

/** Pure. */
export function evaluateEtcd(
  members: readonly MemberSpace[],
  free: () => Promise<void>,
  quotaBytes = etcdQuotaBytes,
): Finding {
  if (members.length === 0) return ok('etcd', 'no member answers')
  const state = spaceState(members, quotaBytes)
  const largest = members.reduce((a, b) => (b.dbBytes > a.dbBytes ? b : a))
  const size = `${bytes(largest.dbBytes)} in ${largest.region}, quota ${bytes(quotaBytes)}`
  if (state === 'ok') return ok('etcd', `largest database ${size}`)
  const full = state === 'full'
  return {
    check: 'etcd',
    state: full ? 'problem' : 'warning',
    message: full
      ? `full (NOSPACE): it refuses every write and no primary can be elected (${size})`
      : `nearly full (${size}): once full, it refuses every write and no primary can be elected`,
    remedy: 'run `nearside doctor --fix` to reclaim space, then find out which client writes so much',
    fix: {
      what: `compact and defragment etcd in ${list(members.map((one) => one.region))}, one after another, and disarm the NOSPACE alarm (keeps every key)`,
      run: free,
    },
  }
}
