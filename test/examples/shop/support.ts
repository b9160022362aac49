import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { createApp } from '../../../examples/shop/app.ts'
import { loadAssets } from '../../../examples/shop/assets.ts'
import { openCache } from '../../../examples/shop/cache.ts'
import { openDatabase } from '../../../examples/shop/database/open.ts'
import type { Services } from '../../../examples/shop/routes/services.ts'
import { startTicker } from '../../../examples/shop/ticker.ts'

export const shopFolder = join(import.meta.dirname, '../../../examples/shop')

export type Shop = {
  app: Hono
  services: Services
  /** The shop's log. */
  log: string[]
  get(path: string, headers?: Record<string, string>): Promise<Response>
  /** Orders like a program: JSON in, JSON out. */
  order(order: unknown, headers?: Record<string, string>): Promise<Response>
  /** Orders like a browser. */
  submit(form: Record<string, string>, headers?: Record<string, string>): Promise<Response>
  close(): Promise<void>
}

/** The shop in the test's process; `services` replaces parts of it. */
export function openShop(
  urls: { databaseUrl: string; databaseReadUrl?: string; redisUrl?: string },
  services: Partial<Services> = {},
): Shop {
  const log: string[] = []
  const all: Services = {
    region: 'us-west',
    database: openDatabase({ databaseReadUrl: urls.databaseUrl, ...urls }),
    cache: openCache(urls.redisUrl, (line) => log.push(line)),
    assets: loadAssets(join(shopFolder, 'assets')),
    ticker: startTicker(1, async () => ({ region: 'us-west' })),
    isStopping: () => false,
    logError: (error, what) => log.push(`${what}: ${error}`),
    ...services,
  }
  const app = createApp(all)
  const post = async (body: string, headers: Record<string, string>) =>
    app.request('/orders', { method: 'POST', body, headers })

  return {
    app,
    services: all,
    log,
    get: async (path, headers = {}) => app.request(path, { headers }),
    order: (order, headers = {}) =>
      post(JSON.stringify(order), {
        'content-type': 'application/json',
        accept: 'application/json',
        ...headers,
      }),
    submit: (form, headers = {}) =>
      post(new URLSearchParams(form).toString(), {
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      }),
    async close() {
      all.ticker.close()
      await Promise.all([all.database.close(), all.cache.close()])
    },
  }
}

/** Runs one of the shop's programs to completion, as in a region. */
export async function runProgram(
  program: 'seed.ts' | 'server.ts',
  env: Record<string, string>,
): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [program], {
    cwd: shopFolder,
    env: { PATH: process.env.PATH, ...env },
  })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  process.off('exit', end)
  return { status, output }
}
