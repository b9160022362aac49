import { spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { appPort } from '../../src/topology/regions.ts'
import { type EdgeRegion, type EdgeWorld, startEdges } from '../../test/support/edge.ts'
import { ask } from '../../test/support/requests.ts'
import { temporaryFolder, until } from '../../test/support/sandboxed.ts'
import { twoRegions } from '../../test/support/topologies.ts'
import { type Peer, runPeer } from '../peers.ts'
import { type Cores, divideCores, moveTo } from './cores.ts'
import { type AppOptions, type Assets, renderApp, renderProxy } from './nginx.ts'

/** Our edge and nginx in front of the same app. */
export type Place = {
  root: string
  cores: Cores
  folder: string
  proxies: Record<Contestant, { url: string; pids: number[] }>
}

/** The second nginx writes an access log, as in its default configuration. */
export type Contestant = 'ours' | 'nginx' | 'nginxLogging'

/**
 * `nginx` is fast enough to make the proxies the bottleneck; `node` is plain node:http, the fastest possible app in
 * Node.
 */
export type AppKind = 'nginx' | 'node'

const nodeApp = fileURLToPath(new URL('node-app.ts', import.meta.url))
const region = 'us-east'
/** Of both caches of `/files/`. */
const maxCache = '64m'
const nginxPorts = { nginx: 8088, nginxLogging: 8089 }

/**
 * The edges of two regions and a witness, rendered by the topology's own functions, with HAProxy and Varnish from the
 * engine root. One nginx serves as all app instances, at the addresses that the topology gives the app.
 */
export async function withPlace<T>(
  root: string,
  kind: AppKind,
  assets: Assets,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  const cores = divideCores()
  const folder = temporaryFolder('bench')
  const ends: (() => unknown)[] = [() => moveTo(cores.all)]
  try {
    // HAProxy derives its number of threads from the available cores.
    moveTo(cores.proxy)
    const edges = await startEdges({
      regions: twoRegions,
      primary: region,
      varnish: true,
      changes: { app: { static: ['/assets/*', '/files/*'] }, cdn: { maxMemory: `${maxCache}b` } },
    })
    ends.push(() => edges.stop())
    moveTo(cores.others)
    const edge = edges.at(region)
    const sink = await listenAsAgent(edges, edge)
    ends.push(() => sink.close())
    const { address } = edge.region
    const app = {
      address,
      ports: edge.apps.map((_, instance) => appPort(edges.topology, edge.region, instance)),
      workers: cores.others.length,
    }
    await Promise.all(edge.apps.map((fake) => fake.stop()))
    ends.push(await startApp[kind](root, join(folder, 'app'), app, assets, cores))
    const startProxy = async (name: keyof typeof nginxPorts) => {
      const listen = `${address}:${nginxPorts[name]}`
      const proxy = {
        ...app,
        workers: cores.proxy.length,
        listen,
        maxCache,
        accessLog: name === 'nginxLogging',
      }
      const nginx = await startNginx(root, join(folder, name), cores.proxy, renderProxy(proxy))
      ends.push(() => nginx.stop())
      await untilAnswered(nginx, address, nginxPorts[name])
      return { url: `http://${listen}`, pids: [nginx.pid] }
    }
    await until('the app behind HAProxy', async () => (await edge.up('app')).length === app.ports.length)
    return await use({
      root,
      cores,
      folder,
      proxies: {
        ours: {
          url: `http://${address}:${edges.topology.ports.http}`,
          pids: [edge.haproxy, edge.varnish].map((engine) => engine.running().pid),
        },
        nginx: await startProxy('nginx'),
        nginxLogging: await startProxy('nginxLogging'),
      },
    })
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

type AppStart = (
  root: string,
  folder: string,
  app: AppOptions,
  assets: Assets,
  cores: Cores,
) => Promise<() => Promise<void>>

const startApp: Record<AppKind, AppStart> = {
  async nginx(root, folder, app, assets, cores) {
    const upstream = await startNginx(root, folder, cores.others, renderApp(app, assets))
    await untilAnswered(upstream, app.address, app.ports[0]!)
    return () => upstream.stop()
  },
  async node(_root, _folder, { address, ports }) {
    const apps = ports.map((port) =>
      spawn(process.execPath, [nodeApp, address, String(port)], { stdio: 'inherit' }),
    )
    for (const port of ports)
      await until('the app', async () => (await ask(address, port, '/')).status === 200)
    return async () => {
      for (const app of apps) app.kill('SIGKILL')
      await Promise.all(apps.map((app) => app.exitCode ?? once(app, 'exit')))
    }
  },
}

export async function startNginx(
  root: string,
  folder: string,
  cores: readonly number[],
  config: string,
): Promise<Peer> {
  mkdirSync(join(folder, 'temp'), { recursive: true })
  writeFileSync(join(folder, 'nginx.conf'), config)
  const words = ['nginx', '-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;']
  return runPeer(root, folder, cores, words)
}

async function untilAnswered(nginx: Peer, host: string, port: number): Promise<void> {
  await until(`nginx on ${port}`, async () => {
    if (nginx.hasEnded()) return true
    return (await ask(host, port, '/')).status === 200
  })
  if (nginx.hasEnded()) throw new Error(`nginx has exited:\n${nginx.output()}`)
}

/** Receives the traffic log on the agent's UDP address; without a receiver, the kernel would have less work. */
async function listenAsAgent({ topology }: EdgeWorld, { region }: EdgeRegion): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.on('message', () => undefined)
  await new Promise<void>((resolve) => socket.bind(topology.ports.agent, region.address, resolve))
  return socket
}
