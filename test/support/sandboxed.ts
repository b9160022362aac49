import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const folders = new Set<string>()
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** Creates a folder that is removed at the end of the process, even if it is interrupted. */
export function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), `nearside-${prefix}-`))
  folders.add(folder)
  return folder
}

/** A free port on a loopback address in the upper half, which worlds do not use by default. */
export async function freeEndpoint(): Promise<{ host: string; port: number }> {
  const part = (from: number, to: number) => from + Math.floor(Math.random() * (to - from))
  const host = `127.${part(128, 255)}.${part(1, 255)}.${part(1, 255)}`
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return { host, port }
}

/** Waits for a condition, and names it on timeout. An error thrown by the condition counts as "not yet". */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 30_000,
): Promise<Exclude<T, false | null | undefined>> {
  const giveUpAt = performance.now() + deadlineMs
  let last: unknown
  while (performance.now() < giveUpAt) {
    try {
      const value = await condition()
      if (value) return value as Exclude<T, false | null | undefined>
    } catch (error) {
      last = error
    }
    await delay(15)
  }
  throw new Error(`timed out after ${deadlineMs} ms waiting for ${what}`, { cause: last })
}
