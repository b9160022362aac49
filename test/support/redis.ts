import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from 'redis'
import { runSandboxed } from './engine-program.ts'
import { freeEndpoint, temporaryFolder, until } from './sandboxed.ts'

/** A separate Redis server for a test, with a password. */
export type TestRedis = {
  url: string
  command(...words: string[]): Promise<unknown>
  /** Suspends the server: it keeps its connections open but does not answer. */
  pause(): void
  resume(): void
  kill(): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function startRedis(): Promise<TestRedis> {
  const folder = temporaryFolder('redis')
  const { host, port } = await freeEndpoint()
  const password = 'only-for-tests'
  const url = `redis://:${password}@${host}:${port}`
  const configuration = join(folder, 'redis.conf')
  writeFileSync(
    configuration,
    `bind ${host}\nport ${port}\nrequirepass ${password}\nsave ""\ndir ${folder}\n`,
  )

  async function command(...words: string[]): Promise<unknown> {
    const client = createClient({ url, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.sendCommand(words)
    } finally {
      client.destroy()
    }
  }

  const launch = async () => {
    const started = await runSandboxed(folder, ['/usr/bin/redis-server', configuration])
    await until('Redis to answer', async () => started.hasExited() || (await command('PING')) === 'PONG')
    if (started.hasExited()) throw new Error(`Redis did not start:\n${started.output()}`)
    return started
  }

  let server = await launch()
  return {
    url,
    command,
    pause: () => process.kill(server.pid, 'SIGSTOP'),
    resume: () => process.kill(server.pid, 'SIGCONT'),
    kill: () => server.kill('SIGKILL'),
    async restart() {
      server = await launch()
    },
    async stop() {
      await server.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
