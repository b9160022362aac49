export { defineTopology } from './topology/define.ts'
export type { TopologyInput } from './topology/input.ts'
