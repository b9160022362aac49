import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { withDescendants } from '../../src/lib/proc.ts'
import type { Figure } from '../figure.ts'
import { median, sum } from '../statistics.ts'
import { memoryOf } from '../usage.ts'
import { type Fetched, fetchFile, keptConnections } from './files.ts'
import type { Place } from './place.ts'
import { alternate, versusNginx } from './versus.ts'

export const slowReaders = 200
export const slowMegabytes = 20
const fileBytes = slowMegabytes * 1e6
const bytesPerSecond = 250_000
const settleSeconds = 4
const slowSeconds = 6
const smallPerSecond = 100

type Measured = {
  cutOff: number
  smallFailed: number
  smallAsked: number
  medianMs: number
  p99Ms: number
  megabytes: number
  megabytesBefore: number
  socketMegabytes: number
}

/** Readers of a large file that are slower than the app, and what others notice of them. */
export async function compareSlowReaders(
  { proxies }: Place,
  runs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const rounds = await alternate(runs, (name, run) => measureOnce(proxies[name], run))
  const total = (name: 'ours' | 'nginx', of: (one: Measured) => number) => sum(rounds[name].map(of))
  const cutOff = total('ours', (one) => one.cutOff)
  say(`${slowReaders} slow readers: ${cutOff} cut off`)
  return [
    {
      what: `${slowReaders} slow readers: cut off or refused`,
      value: cutOff,
      unit: '',
      target: { atMost: 0 },
      note: `of ${slowReaders * runs}; nginx: ${total('nginx', (one) => one.cutOff)}`,
    },
    {
      what: '  small requests failed',
      value: total('ours', (one) => one.smallFailed),
      unit: '',
      target: { atMost: 0 },
      note: `of ${total('ours', (one) => one.smallAsked)}; nginx: ${total('nginx', (one) => one.smallFailed)}`,
    },
    { what: '  small requests, median', ...versusNginx(rounds, (one) => one.medianMs), unit: 'ms' },
    { what: '  small requests, 99th percentile', ...versusNginx(rounds, (one) => one.p99Ms), unit: 'ms' },
    {
      what: '  memory of cache and proxy',
      ...versusNginx(rounds, (one) => one.megabytes),
      unit: 'MB',
      note: `without the readers: ${round(rounds.ours, (one) => one.megabytesBefore)} MB; nginx: ${round(rounds.nginx, (one) => one.megabytesBefore)} MB`,
    },
    {
      what: '  the kernel’s memory for all connections',
      ...versusNginx(rounds, (one) => one.socketMegabytes),
      unit: 'MB',
    },
  ]
}

const round = (of: readonly Measured[], value: (one: Measured) => number) => Math.round(median(of.map(value)))

async function measureOnce({ url, pids }: Place['proxies']['ours'], run: number): Promise<Measured> {
  const agent = keptConnections(64)
  // The file is in nginx’s cache, and known to ours as too large for it.
  const file = `/files/slow-${run}/${fileBytes}`
  await fetchFile(agent, url, file)
  const memory = () => sum(withDescendants(pids).map(megabytesOf))
  const megabytesBefore = memory()
  const readers = Array.from({ length: slowReaders }, () => slowReader(url, file))
  // Until the buffers of all connections are full.
  await delay(settleSeconds * 1000)
  const small = await askSmall(agent, url, slowSeconds)
  const megabytes = memory()
  const socketMegabytes = kernelMegabytes()
  for (const reader of readers) reader.hurry()
  const whole = await Promise.all(readers.map(({ isWhole }) => isWhole))
  agent.destroy()
  const times = small.map((one) => one.milliseconds).sort((a, b) => a - b)
  return {
    cutOff: whole.filter((one) => !one).length,
    smallFailed: small.filter((one) => !one.whole).length,
    smallAsked: small.length,
    medianMs: median(times),
    p99Ms: times[Math.floor(times.length * 0.99)]!,
    megabytes,
    megabytesBefore,
    socketMegabytes,
  }
}

/** At a fixed rate, whether earlier ones were answered or not. */
async function askSmall(
  agent: ReturnType<typeof keptConnections>,
  url: string,
  seconds: number,
): Promise<Fetched[]> {
  const asked: Promise<Fetched>[] = []
  const startMs = performance.now()
  for (let n = 0; n < seconds * smallPerSecond; n += 1) {
    await delay(Math.max(0, startMs + (n * 1000) / smallPerSecond - performance.now()))
    asked.push(fetchFile(agent, url, n % 2 === 0 ? `/files/beside-${n % 50}/1000` : '/'))
  }
  return Promise.all(asked)
}

/** Reads at `bytesPerSecond` until it is told to hurry. */
function slowReader(url: string, path: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const stepMs = 100
  let received = 0
  let head = ''
  const take = (part: Buffer | null) => {
    if (part === null) return
    if (head.includes('\r\n\r\n')) received += part.length
    else {
      const before = head.length
      head += part.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      received = before + part.length - end - 4
      head = head.slice(0, end + 4)
    }
  }
  socket.write(`GET ${path} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n`)
  socket.pause()
  const step = setInterval(
    () => take(socket.read(Math.min((bytesPerSecond * stepMs) / 1000, socket.readableLength || 1))),
    stepMs,
  )
  const isWhole = new Promise<boolean>((resolve) => {
    const give = setTimeout(() => socket.destroy(), 120_000)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      clearInterval(step)
      clearTimeout(give)
      resolve(head.startsWith('HTTP/1.1 200') && received === fileBytes)
    })
  })
  const hurry = () => {
    clearInterval(step)
    socket.on('data', take)
    socket.resume()
  }
  return { isWhole, hurry }
}

function megabytesOf(pid: number): number {
  try {
    return memoryOf(pid).proportionalMb
  } catch {
    return 0
  }
}

/** Of all TCP connections of this network, at both ends. */
function kernelMegabytes(): number {
  const pages = /^TCP: .* mem (\d+)$/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1]
  return (Number(pages) * 4096) / 1e6
}
