import type { ClusterFacts } from '../../../src/lab/faults/cluster-facts.ts'
import { parseFault, type RawFaultOptions } from '../../../src/lab/faults/parse.ts'

export const regions = [
  { name: 'us-east', full: true, serves: true, votes: true },
  { name: 'us-west', full: true, serves: true, votes: true },
  { name: 'us-central', full: false, serves: false, votes: true },
]

export const processes = ['postgres', 'etcd', 'app-0', 'agent', 'postmaster']

export const facts: ClusterFacts = { regions, primary: 'us-east', processesOf: () => processes }

export const parse = (
  kind: string,
  words: string[] = [],
  options: RawFaultOptions = {},
  more: Partial<ClusterFacts> = {},
) => parseFault(kind, { words, options }, { ...facts, ...more })
