/** The traffic log: one line per sampled request, sent by UDP to the region's agent. traffic.ts parses it. */
export const trafficLogVersion = 'nearside1'

/**
 * A line contains only Nearside's own words and numbers, never text from a client or an app: version, weight, receiving
 * region, serving region, class, status; then the milliseconds for the request's headers, the queue, the connection,
 * the response's headers, and in total; then the result of the caches.
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
