import { callHttp, type HttpAnswer } from '../../../lib/http.ts'
import type { Region } from '../../../topology/regions.ts'
import type { Source, View } from '../../history.ts'
import { parsed } from './outcome.ts'

type Shop = {
  port: number
  domain: string
  answerTimeoutMs: number
}

/** Much more than any answer of the shop. */
export const longestAnswerBytes = 16 * 1024 * 1024

type Page = { orders?: { reference?: unknown }[]; next?: string | null }

/** All orders since then with the reference prefix, as one region's shop shows them from that source. */
export async function showOrders(
  shop: Shop,
  region: Region,
  source: Source,
  { since, prefix }: { since: string; prefix: string },
): Promise<View> {
  const counts = new Map<string, number>()
  let next: string | null | undefined = `/api/orders?${new URLSearchParams({ since, source })}`
  while (next) {
    const page = parsed((await askShop(shop, region, next, source)).body) as Page
    if (!Array.isArray(page.orders)) throw new Error(`${region.name}: expected a list of orders`)
    for (const { reference } of page.orders)
      if (typeof reference === 'string' && reference.startsWith(prefix))
        counts.set(reference, (counts.get(reference) ?? 0) + 1)
    // The shop's own link omits the source. Only its query is used.
    const query: string | undefined = page.next?.split('?')[1]
    next =
      query &&
      `/api/orders?${new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(query)), source })}`
  }
  return { region: region.name, source, orders: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)) }
}

/** Rejects if another region answered for a replica, because that says nothing about this region. */
export async function askShop(shop: Shop, region: Region, path: string, source: Source): Promise<HttpAnswer> {
  const answer = await callHttp({
    host: region.address,
    port: shop.port,
    path,
    headers: { host: shop.domain, accept: 'application/json' },
    timeoutMs: shop.answerTimeoutMs,
    maxBytes: longestAnswerBytes,
  })
  if (answer.status !== 200)
    throw new Error(`${region.name}${path}: ${answer.status} ${answer.body.slice(0, 200)}`)
  const served = answer.headers['nearside-region']
  if (source === 'replica' && served !== region.name)
    throw new Error(`its shop does not answer; ${served} answered instead`)
  return answer
}
