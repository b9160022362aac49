/** The traffic log: one line per sampled request, by UDP to the region's agent. Read by traffic.ts. */
export const trafficLogVersion = 'nearside1'

/**
 * Only our own words and numbers are in a line, nothing that a client or an app has written: version, weight, region
 * that received, region that served, class, `w` for a write, status, milliseconds to the first byte and in all, what
 * the caches did.
 */
export function trafficLogFormat(region: string): string {
  return `"${trafficLogVersion} %[var(txn.weight)] ${region} %[var(txn.served)] %[var(txn.class)] %[var(txn.write)] %ST %Tr %Ta %[var(txn.cache)] %ts"`
}
