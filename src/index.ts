export { defineTopology, type TopologyInput } from './topology/schema.ts'
