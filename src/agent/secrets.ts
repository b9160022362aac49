import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NearsideError } from '../lib/errors.ts'
import { type Secrets, secretNames } from '../topology/secrets.ts'

/**
 * The world's secrets, made on first use. Two callers at once get the same ones: the file is written aside and linked
 * into place, and only one link succeeds. 192 bits each, in an alphabet that needs no quoting anywhere.
 */
export async function secretsOf(folder: string): Promise<Secrets> {
  const file = join(folder, 'secrets.json')
  const found = await readSecrets(file)
  if (found) return found
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const made = Object.fromEntries(secretNames.map((name) => [name, randomBytes(24).toString('base64url')]))
  const aside = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(aside, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await link(aside, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(aside, { force: true })
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
          remedy: `others may have read them: make a new world (nearside down --purge), or chmod 600 ${file} if not`,
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
    // Not quoted: the message must not carry a part of a secret.
  }
  if (!secrets || secretNames.some((name) => typeof secrets[name] !== 'string' || secrets[name].length < 16))
    throw new NearsideError('secrets_damaged', `${file}: expected the secrets ${secretNames.join(', ')}`, {
      remedy: 'restore the file; the databases of this world cannot be opened without it',
    })
  return secrets
}
