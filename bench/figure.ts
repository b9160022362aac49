import type { PeersRoot } from './peers.ts'

/** What a benchmark has to say: figures, some with a target, some beside a peer's measured in the same run. */

export type Unit = 's' | 'ms' | 'µs' | 'MB' | '%' | '/s' | ''

export type Target = { atMost: number } | { atLeast: number }

export type Figure = {
  what: string
  value: number
  unit: Unit
  /** Lowest and highest of the measurements that `value` is the median of. */
  spread?: [lowest: number, highest: number]
  /** The same for something else, in turns with it. A target then is one for the ratio. */
  peer?: { name: string; value: number; ratio: number; ratioSpread: [lowest: number, highest: number] }
  target?: Target
  note?: string
}

export type Verdict = 'met' | 'missed'

export type Options = {
  /** How often; each benchmark has a default. */
  runs: number | undefined
  /** Of whatever is drawn at random. */
  seed: number
}

export type Benchmark = {
  /** What is typed. */
  name: string
  /** What it answers, for a heading. */
  title: string
  /** How it is measured, for whoever reads the figures. */
  how: string
  /** Other programs that it needs, brought when it runs. */
  peers?: PeersRoot
  /** `say` tells a person what it is doing. Whatever it starts has ended when it returns or throws. */
  run(options: Options, say: (line: string) => void): Promise<Figure[]>
}

export function verdictOf({ value, peer, target }: Figure): Verdict | undefined {
  if (!target) return undefined
  const measured = peer ? peer.ratio : value
  const met = 'atMost' in target ? measured <= target.atMost : measured >= target.atLeast
  return met ? 'met' : 'missed'
}

/** To the peer, else to the target (then less is better for `atMost`); nothing to compare a target of zero with. */
export function ratioOf({ value, peer, target }: Figure): number | undefined {
  if (peer) return peer.ratio
  if (!target) return undefined
  const bound = 'atMost' in target ? target.atMost : target.atLeast
  return bound === 0 ? undefined : value / bound
}
