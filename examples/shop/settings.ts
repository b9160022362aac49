/** The shop's settings, from environment variables only. */
export type Settings = {
  host: string
  port: number
  /** Shown on every page; `local` if the shop runs on its own. */
  region: string
  /** Accepts writes, wherever the primary is. */
  databaseUrl: string
  /** Serves reads and may lag; the write database if there is no replica. */
  databaseReadUrl: string
  /** Optional: the shop also works without a cache. */
  redisUrl: string | undefined
}

export class SettingsError extends Error {}

/** Reads the environment; reports every problem at once. */
export function settingsFrom(env: Record<string, string | undefined>): Settings {
  const problems: string[] = []
  const port = Number(env.PORT || 3000)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    problems.push(`PORT: expected a number from 0 to 65535, got "${env.PORT}"`)
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
