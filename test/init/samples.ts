import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Writes an app's files; returns their folder. */
export function write(at: string, files: Record<string, string>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(at, name)), { recursive: true })
    writeFileSync(join(at, name), content)
  }
  return at
}

/** A package.json. */
export const pack = (value: object) => ({ 'package.json': JSON.stringify(value) })
