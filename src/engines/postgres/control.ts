import { request } from 'node:http'
import { NearsideError } from '../../lib/errors.ts'
import type { RegionContext } from '../context.ts'
import { dynamicConfig } from './render.ts'

/**
 * One call of Patroni's REST API; `address` is that of the region to ask. Fails with
 * `patroni_refused` and Patroni's own words unless the answer is a 2xx.
 */
export function patroniRequest(
  context: Pick<RegionContext, 'topology' | 'secrets'>,
  address: string,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body: Record<string, unknown> | undefined,
  timeoutMs: number,
): Promise<string> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const call = request({
    host: address,
    port: context.topology.ports.patroni,
    method,
    path,
    agent: false,
    auth: `nearside:${context.secrets.patroni}`,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => call.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)
    const fail = (why: string, cause?: unknown) =>
      reject(new NearsideError('patroni_refused', `Patroni ${method} ${path}: ${why}`, { cause }))
    call.on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => {
        const answer = Buffer.concat(parts).toString('utf8')
        if ((response.statusCode ?? 0) >= 200 && (response.statusCode ?? 0) < 300) resolve(answer)
        else fail(`${response.statusCode} ${answer.slice(0, 1000)}`)
      })
    })
    call.on('error', (error) => fail(error.message, error))
    call.on('close', () => clearTimeout(timer))
    call.end(text)
  })
}

type Settings = Record<string, unknown>

/** Asks the region's own Patroni for the cluster's settings and corrects them. True when something was different. */
export async function applySettings(
  context: Pick<RegionContext, 'topology' | 'secrets' | 'region'>,
): Promise<boolean> {
  const { address } = context.region
  const is = JSON.parse(await patroniRequest(context, address, 'GET', '/config', undefined, 5000)) as Settings
  const patch = settingsPatch(is, dynamicConfig(context))
  if (patch === undefined) return false
  await patroniRequest(context, address, 'PATCH', '/config', patch, 10_000)
  return true
}

/**
 * What must be sent to make `is` say what `wanted` says; undefined when it does. PostgreSQL parameters that are wanted
 * no more are taken out (null, for Patroni); of the rest only what we set is ours to change. Pure.
 */
export function settingsPatch(is: Settings, wanted: Settings): Settings | undefined {
  const patch: Settings = {}
  for (const [key, value] of Object.entries(wanted)) {
    const now = is[key]
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
