/** An action of the drill, by this machine's monotonic clock. */
export type DrillEvent = {
  atMs: number
  kind: 'fault' | 'healed' | 'settled' | 'other'
  what: string
  /** For a fault and its healing: the name in the plan. */
  as?: string
}
