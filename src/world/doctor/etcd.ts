import { etcdQuotaBytes } from '../../engines/etcd/render.ts'
import { freeSpace, type MemberSpace, spaceState } from '../../engines/etcd/space.ts'
import { Etcd } from '../../lib/etcd.ts'
import { bytes, list } from '../../lib/format.ts'
import type { WorldHandle } from '../handle.ts'
import { type Finding, ok } from './finding.ts'

const askMs = 2000
/** A member with 2 GB to write anew answers nobody for that long. */
const freeMs = 120_000

/** How full the world's etcd is, asked of each member itself: agents may be dead, or unable to tell. */
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
  if (members.length === 0) return ok('etcd', 'no member answers, so there is nothing to tell')
  const state = spaceState(members, quotaBytes)
  const largest = members.reduce((a, b) => (b.dbBytes > a.dbBytes ? b : a))
  const size = `${bytes(largest.dbBytes)} in ${largest.region}, of ${bytes(quotaBytes)} at most`
  if (state === 'ok') return ok('etcd', `its largest file has ${size}`)
  const full = state === 'full'
  return {
    check: 'etcd',
    state: full ? 'problem' : 'warning',
    message: full
      ? `it is full (NOSPACE) and refuses every write: no primary can be elected (${size})`
      : `it is nearly full: ${size}; when it is, no primary can be elected`,
    remedy: 'nearside doctor --fix gives it its space back; then see who writes so much',
    fix: {
      what: `compact and defragment etcd in ${list(members.map((one) => one.region))}, one after the other, and let writes through again (no key is lost)`,
      run: free,
    },
  }
}
