import { NearsideError } from '../../lib/errors.ts'
import { loadHistory } from '../history-file.ts'
import { check } from './check.ts'
import type { Guarantee, Promises } from './types.ts'

/** Checks a saved history, as written by `nearside drill --history FILE`. */
export async function checkFile(path: string, promises: Promises): Promise<Guarantee[]> {
  const { history, final } = await loadHistory(path)
  if (!final)
    throw new NearsideError('history_unfinished', `${path}: expected the final state of the databases`, {
      remedy: 'the recorded run was interrupted before it read the final state; run it again',
    })
  return check(history, final, promises)
}
