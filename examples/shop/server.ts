import { createServer } from 'node:http'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { createApp } from './app.ts'
import { loadAssets } from './assets.ts'
import { openCache } from './cache.ts'
import { openDatabase } from './database/open.ts'
import { type Settings, SettingsError, settingsFrom } from './settings.ts'
import { newestOrder } from './store/orders.ts'
import { startTicker } from './ticker.ts'

const tickMs = 2_000
/** Longer than any proxy keeps idle connections, so that the proxy closes them and never sends on a closed one. */
const keepAliveMs = 75_000
/** Grace period for requests in flight on stop; an order may be waiting for its primary. */
const graceMs = 25_000

function start(settings: Settings): void {
  const database = openDatabase(settings)
  const cache = openCache(settings.redisUrl, console.error)
  const ticker = startTicker(tickMs, async () => ({
    region: settings.region,
    newest: await newestOrder(database.read).catch(() => undefined),
  }))
  let isStopping = false

  const app = createApp({
    region: settings.region,
    database,
    cache,
    ticker,
    assets: loadAssets(join(import.meta.dirname, 'assets')),
    isStopping: () => isStopping,
    logError: (error, what) => console.error(`${what}:`, error),
  })

  const server = createServer(
    { keepAliveTimeout: keepAliveMs, headersTimeout: 10_000, requestTimeout: 30_000 },
    getRequestListener(app.fetch),
  )
  server.on('error', (error) => {
    console.error(`shop: cannot listen on ${settings.host}:${settings.port}: ${error.message}`)
    process.exit(1)
  })
  server.listen(settings.port, settings.host, () => {
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : settings.port
    console.log(`shop: listening on http://${settings.host}:${port} in ${settings.region}`)
  })

  const stop = () => {
    if (isStopping) process.exit(1)
    isStopping = true
    ticker.close()
    // Connections whose last answer began before the stop were announced as keep-alive; they are closed once idle.
    setInterval(() => server.closeIdleConnections(), 50)
    server.close(async () => {
      await Promise.allSettled([database.close(), cache.close()])
      process.exit(0)
    })
    setTimeout(() => process.exit(1), graceMs).unref()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

try {
  start(settingsFrom(process.env))
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  console.error(error.message)
  process.exit(2)
}
