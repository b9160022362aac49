import { request } from 'node:http'
import { NearsideError } from '../../lib/errors.ts'
import type { RegionContext } from '../context.ts'

/**
 * One call of Patroni's REST API that changes something; `address` is that of the region to ask. Fails with
 * `patroni_refused` and Patroni's own words unless the answer is a 2xx.
 */
export function patroniRequest(
  context: Pick<RegionContext, 'topology' | 'secrets'>,
  address: string,
  method: 'POST' | 'PATCH',
  path: string,
  body: Record<string, unknown>,
  timeoutMs: number,
): Promise<string> {
  const text = JSON.stringify(body)
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
        const answer = Buffer.concat(parts).toString('utf8').slice(0, 1000)
        if ((response.statusCode ?? 0) >= 200 && (response.statusCode ?? 0) < 300) resolve(answer)
        else fail(`${response.statusCode} ${answer}`)
      })
    })
    call.on('error', (error) => fail(error.message, error))
    call.on('close', () => clearTimeout(timer))
    call.end(text)
  })
}
