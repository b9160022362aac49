import { type Fault, users } from './types.ts'

/** Pure: what a fault is, in words. */
export function describeFault(fault: Fault): string {
  const lasts = 'forMs' in fault && describeHealing(fault) !== undefined
  const time = lasts ? `, for ${describeMs(fault.forMs)} at most` : ''
  return `${what(fault)}${time}`
}

/** `250 ms`, `20 s`, `2 min`. */
export function describeMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms % 60_000 === 0) return `${ms / 60_000} min`
  return `${Number((ms / 1000).toFixed(1))} s`
}

export function what(fault: Fault): string {
  switch (fault.kind) {
    case 'kill-process':
      return `kill ${fault.region}/${fault.process}`
    case 'pause-process':
      return `pause ${fault.region}/${fault.process}`
    case 'restart-process':
      return `restart ${fault.region}/${fault.process}`
    case 'kill-region':
      return `kill everything in ${fault.region}`
    case 'pause-region':
      return `pause everything in ${fault.region}`
    case 'restart-region':
      return `restart ${fault.region} in good order`
    case 'cut':
      return {
        both: `cut ${fault.region} off from ${words(fault.from)}`,
        out: `cut ${fault.region} off one way: what it says does not arrive in ${words(fault.from)}`,
        in: `cut ${fault.region} off one way: it hears nothing from ${words(fault.from)}`,
      }[fault.direction]
    case 'slow-link': {
      const parts = [
        ...(fault.delayMs > 0 ? [`${fault.delayMs} ms more`] : []),
        ...(fault.jitterMs > 0 ? [`${fault.jitterMs} ms of jitter`] : []),
        ...(fault.rateBitsPerSecond > 0 ? [`${fault.rateBitsPerSecond / 1e6} Mbit/s at most`] : []),
      ]
      return `slow the link ${arrow(fault)}: ${parts.join(', ')}`
    }
    case 'lossy-link':
      return `lose ${percent(fault.lossShare)} of the packets ${arrow(fault)}`
    case 'etcd-quorum':
      return `pause etcd in ${words(fault.members)}`
    case 'disk-full':
      return `fill the disk of the database in ${fault.region}`
    case 'replay-paused':
      return `let the replica in ${fault.region} fall behind`
    case 'app-hang':
      return `pause the app in ${fault.region}`
    case 'app-500':
      return `let the app in ${fault.region} answer 500${fault.share < 1 ? ` to ${percent(fault.share)} of its requests` : ''}`
    case 'app-leak':
      return `let the app in ${fault.region} leak ${fault.mbPerSecond} MB/s`
    case 'app-clock':
      return `set the app’s clock in ${fault.region} ${fault.offsetMs < 0 ? 'back' : 'ahead'} by ${describeMs(Math.abs(fault.offsetMs))}`
  }
}

/** What is done when it is healed; undefined for what is over by itself. */
export function describeHealing(fault: Fault): string | undefined {
  switch (fault.kind) {
    case 'restart-process':
    case 'restart-region':
      return undefined
    case 'kill-process':
      return fault.process === 'agent' ? `start the agent of ${fault.region} again` : undefined
    case 'kill-region':
      return `start ${fault.region} again`
    case 'pause-process':
      return `let ${fault.region}/${fault.process} go on`
    case 'pause-region':
      return `let ${fault.region} go on`
    case 'etcd-quorum':
      return `let etcd in ${words(fault.members)} go on`
    case 'cut':
      return `connect ${fault.region} with ${words(fault.from)} again`
    case 'slow-link':
    case 'lossy-link':
      return `restore the link ${arrow(fault)}`
    case 'disk-full':
      return `free the disk of the database in ${fault.region}`
    case 'replay-paused':
      return `let the replica in ${fault.region} catch up`
    case 'app-hang':
      return `let the app in ${fault.region} go on`
    case 'app-500':
    case 'app-leak':
    case 'app-clock':
      return `leave the app in ${fault.region} alone`
  }
}

const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`

const arrow = ({ from, to, direction }: { from: string; to: string; direction: 'both' | 'out' | 'in' }) =>
  direction === 'both'
    ? `between ${from} and ${named(to)}`
    : direction === 'out'
      ? `from ${from} to ${named(to)}`
      : `from ${named(to)} to ${from}`

const named = (place: string) => (place === users ? 'its users' : place)

function words(names: readonly string[]): string {
  const all = names.map(named)
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`
}
