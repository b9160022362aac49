/** What the drill did, by this machine's monotonic clock. */
export type DrillEvent = {
  atMs: number
  kind: 'fault' | 'healed' | 'settled' | 'other'
  what: string
  /** Of a fault and its healing: the name that the plan gave it. */
  as?: string
}
