import type { PeersRoot } from './peers.ts'

/** The results of a benchmark: figures, some with a target, some with a peer's figure from the same run. */

export type Unit = 's' | 'ms' | 'µs' | 'MB' | '%' | '/s' | ''

export type Target = { atMost: number } | { atLeast: number }

export type Figure = {
  what: string
  value: number
  unit: Unit
  /** Lowest and highest measurement; `value` is the median. */
  spread?: [lowest: number, highest: number]
  /** The same figure of a peer, measured in turns. A target then applies to the ratio. */
  peer?: { name: string; value: number; ratio: number; ratioSpread: [lowest: number, highest: number] }
  target?: Target
  note?: string
}

export type Verdict = 'met' | 'missed'

export type Options = {
  /** Number of runs; each benchmark has a default. */
  runs: number | undefined
  /** Seed of all random choices. */
  seed: number
}

export type Benchmark = {
  /** Name on the command line. */
  name: string
  /** Heading. */
  title: string
  /** Method, for readers of the figures. */
  how: string
  /** Other programs that it needs, installed when it runs. */
  peers?: PeersRoot
  /** `say` shows progress. Everything it starts has exited when it returns or throws. */
  run(options: Options, say: (line: string) => void): Promise<Figure[]>
}

export function verdictOf({ value, peer, target }: Figure): Verdict | undefined {
  if (!target) return undefined
  const measured = peer ? peer.ratio : value
  const met = 'atMost' in target ? measured <= target.atMost : measured >= target.atLeast
  return met ? 'met' : 'missed'
}

/** Ratio to the peer, otherwise to the target (less is better for `atMost`); undefined for a target of zero. */
export function ratioOf({ value, peer, target }: Figure): number | undefined {
  if (peer) return peer.ratio
  if (!target) return undefined
  const bound = 'atMost' in target ? target.atMost : target.atLeast
  return bound === 0 ? undefined : value / bound
}
