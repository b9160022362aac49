/** What the shop is told by its environment. It knows nothing else about where it runs. */
export type Settings = {
  host: string
  port: number
  /** Shown on every page; `local` when the shop runs on its own. */
  region: string
  /** Takes writes, wherever the primary is at the moment. */
  databaseUrl: string
  /** Takes reads and may lag behind; the write database when there is no replica. */
  databaseReadUrl: string
  /** Without it the shop works uncached. */
  redisUrl: string | undefined
}

export class SettingsError extends Error {}

/** Reads the environment; reports every problem at once. */
export function settingsFrom(env: Record<string, string | undefined>): Settings {
  const problems: string[] = []
  const port = Number(env.PORT || 3000)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    problems.push(`PORT: expected a number from 0 to 65535, found "${env.PORT}"`)
  }
  const databaseUrl = env.DATABASE_URL || ''
  if (databaseUrl === '') {
    problems.push('DATABASE_URL: missing; for example postgres://shop:secret@127.0.0.1:5432/shop')
  }
  if (problems.length > 0) throw new SettingsError(problems.join('\n'))

  return {
    host: env.HOST || '127.0.0.1',
    port,
    region: env.NEARSIDE_REGION || 'local',
    databaseUrl,
    databaseReadUrl: env.DATABASE_READ_URL || databaseUrl,
    redisUrl: env.REDIS_URL || undefined,
  }
}
