import { NearsideError } from '../../lib/errors.ts'
import { loadHistory } from '../history-file.ts'
import { check } from './check.ts'
import type { Guarantee, Promises } from './types.ts'

/** Checks a history that was saved: `nearside drill --history FILE` writes one. */
export async function checkFile(path: string, promises: Promises): Promise<Guarantee[]> {
  const { history, final } = await loadHistory(path)
  if (!final)
    throw new NearsideError('history_unfinished', `${path}: expected what the databases showed at the end`, {
      remedy: 'the run that recorded it was interrupted before it looked; run it again',
    })
  return check(history, final, promises)
}
