import { NearsideError } from '../../lib/errors.ts'
import { basicAuthorization, callHttp, HttpError } from '../../lib/http.ts'
import type { RegionContext } from '../context.ts'
import { dynamicConfig } from './render.ts'

/**
 * Calls Patroni's REST API in the region at `address`. Rejects with `patroni_refused` and Patroni's own message unless
 * the status is 2xx, and with `patroni_unreachable` if there is no answer.
 */
export async function patroniRequest(
  context: Pick<RegionContext, 'topology' | 'secrets'>,
  address: string,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body: Record<string, unknown> | undefined,
  timeoutMs: number,
): Promise<string> {
  const failed = (code: string, why: string, cause?: unknown) =>
    new NearsideError(code, `Patroni ${method} ${path}: ${why}`, { cause })
  const answer = await callHttp({
    host: address,
    port: context.topology.ports.patroni,
    method,
    path,
    json: body,
    headers: { authorization: basicAuthorization('nearside', context.secrets.patroni) },
    timeoutMs,
  }).catch((error) => {
    throw error instanceof HttpError ? failed('patroni_unreachable', error.reason, error) : error
  })
  if (answer.status >= 200 && answer.status < 300) return answer.body
  throw failed('patroni_refused', `${answer.status} ${answer.body.slice(0, 1000)}`)
}

type Settings = Record<string, unknown>

/**
 * Compares the cluster's settings with the topology and corrects them, through the region's own Patroni. True if any
 * differed.
 */
export async function applySettings(
  context: Pick<RegionContext, 'topology' | 'secrets' | 'region'>,
): Promise<boolean> {
  const { address } = context.region
  const actual = JSON.parse(
    await patroniRequest(context, address, 'GET', '/config', undefined, 5000),
  ) as Settings
  const patch = settingsPatch(actual, dynamicConfig(context))
  if (patch === undefined) return false
  await patroniRequest(context, address, 'PATCH', '/config', patch, 10_000)
  return true
}

/**
 * The patch that turns `actual` into `wanted`; undefined when there is nothing to change. PostgreSQL parameters that
 * are no longer wanted are removed (null, to Patroni). Other settings that Nearside does not set are left alone. Pure.
 */
export function settingsPatch(actual: Settings, wanted: Settings): Settings | undefined {
  const patch: Settings = {}
  for (const [key, value] of Object.entries(wanted)) {
    const now = actual[key]
    if (!isObject(value)) {
      if (now !== value) patch[key] = value
      continue
    }
    const inner = settingsPatch(isObject(now) ? now : {}, value) ?? {}
    if (key === 'parameters' && isObject(now))
      for (const old of Object.keys(now)) if (!(old in value)) inner[old] = null
    if (Object.keys(inner).length > 0) patch[key] = inner
  }
  return Object.keys(patch).length > 0 ? patch : undefined
}

const isObject = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
