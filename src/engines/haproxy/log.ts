/** The traffic log: one line per sampled request, by UDP to the region's agent. Read by traffic.ts. */
export const trafficLogVersion = 'nearside1'

/**
 * Only our own words and numbers are in a line, nothing that a client or an app has written: version, weight, region
 * that received, region that served, class, status; then in milliseconds the request's headers, the queue, connecting,
 * the wait for the response's headers, and all; then what the caches did.
 */
export function trafficLogFormat(region: string): string {
  const fields = [
    trafficLogVersion,
    '%[var(txn.weight)]',
    region,
    '%[var(txn.served)]',
    '%[var(txn.class)]',
    '%ST %TR %Tw %Tc %Tr %Ta',
    '%[var(txn.cache)]',
  ]
  return `"${fields.join(' ')}"`
}
