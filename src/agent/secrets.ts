import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NearsideError } from '../lib/errors.ts'
import { type Secrets, secretNames } from '../topology/secrets.ts'

/**
 * The world's secrets, generated on first use. Concurrent callers get the same ones: the file is written under a
 * temporary name and linked into place, and only one link succeeds. Each secret has 192 bits, in an alphabet that needs
 * no quoting.
 */
export async function secretsOf(folder: string): Promise<Secrets> {
  const file = join(folder, 'secrets.json')
  const found = await readSecrets(file)
  if (found) return found
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const made = Object.fromEntries(secretNames.map((name) => [name, randomBytes(24).toString('base64url')]))
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(temporary, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await link(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(temporary, { force: true })
  }
  return (await readSecrets(file))!
}

async function readSecrets(file: string): Promise<Secrets | undefined> {
  let text: string
  try {
    const { mode } = await stat(file)
    if ((mode & 0o077) !== 0)
      throw new NearsideError(
        'secrets_exposed',
        `${file}: expected mode 0600, found ${(mode & 0o777).toString(8)}`,
        {
          remedy: `if other users may have read it, create a new world (nearside down --purge); otherwise chmod 600 ${file}`,
        },
      )
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  let secrets: Secrets | undefined
  try {
    secrets = JSON.parse(text)
  } catch {
    // The parser's message is not passed on: it could contain part of a secret.
  }
  if (!secrets || secretNames.some((name) => typeof secrets[name] !== 'string' || secrets[name].length < 16))
    throw new NearsideError('secrets_damaged', `${file}: expected the secrets ${secretNames.join(', ')}`, {
      remedy: 'restore the file; without it the databases of this world are inaccessible',
    })
  return secrets
}
