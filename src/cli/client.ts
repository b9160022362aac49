import { request } from 'node:http'
import { readWorld, regionFolder, type WorldRecord } from '../agent/layout.ts'
import { secretsOf } from '../agent/secrets.ts'
import type { RegionStatus } from '../agent/status.ts'
import { NearsideError } from '../lib/errors.ts'
import { type Region, regionsOf } from '../topology/regions.ts'

/** A world on this machine and how to talk to its agents. */
export type WorldHandle = {
  folder: string
  record: WorldRecord
  regions: readonly Region[]
  regionFolder: (region: string) => string
  /** Resolves to the answer's body; rejects with the agent's own error, or with `agent_unreachable`. */
  call: <T>(
    region: Region,
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    timeoutMs?: number,
  ) => Promise<T>
}

export async function openWorld(folder: string): Promise<WorldHandle> {
  const record = await readWorld(folder)
  const { api } = await secretsOf(folder)
  const { topology } = record
  return {
    folder,
    record,
    regions: regionsOf(topology),
    regionFolder: (region) => regionFolder(folder, region),
    call: (region, method, path, body, timeoutMs = 5000) =>
      ask({ host: region.address, port: topology.ports.agent, token: api, method, path, body, timeoutMs }),
  }
}

export const regionStatus = (world: WorldHandle, region: Region, timeoutMs: number) =>
  world.call<RegionStatus>(region, 'GET', '/v1/status', undefined, timeoutMs).catch(() => undefined)

type Question = {
  host: string
  port: number
  token: string
  method: string
  path: string
  body?: unknown
  timeoutMs: number
}

function ask<T>({ host, port, token, method, path, body, timeoutMs }: Question): Promise<T> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    connection: 'close',
  }
  return new Promise((resolve, reject) => {
    const unreachable = (why: string) =>
      reject(
        new NearsideError('agent_unreachable', `agent at ${host}:${port}: ${why}`, { remedy: 'nearside up' }),
      )
    const call = request({ host, port, method, path, headers, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', (error) => unreachable(error.message))
      response.on('end', () => {
        let answer: { error?: { code: string; message: string; remedy?: string } }
        try {
          answer = JSON.parse(Buffer.concat(parts).toString('utf8'))
        } catch {
          return unreachable('its answer is not JSON')
        }
        const { error } = answer
        if (!error) return resolve(answer as T)
        reject(new NearsideError(error.code, error.message, error.remedy ? { remedy: error.remedy } : {}))
      })
    })
    const timer = setTimeout(() => call.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)
    call.on('error', (error) => unreachable(error.message))
    call.on('close', () => clearTimeout(timer))
    call.end(text)
  })
}

/** The region that a command names, or an error that lists what there is. */
export function regionNamed(world: WorldHandle, name: string): Region {
  const found = world.regions.find((region) => region.name === name)
  if (found) return found
  const names = world.regions.map((region) => region.name).join(', ')
  throw new NearsideError('region_unknown', `region: expected one of ${names}, got ${name}`)
}
