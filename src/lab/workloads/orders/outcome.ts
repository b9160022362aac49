import { neverSent } from '../../../engines/haproxy/layout.ts'
import { type HttpAnswer, HttpError } from '../../../lib/http.ts'
import type { Outcome } from '../../history.ts'

/** The edge held the write and gave it up: the app has never seen it. */
const neverArrived = new Set<string>(Object.values(neverSent))

/**
 * The outcome of an order from its answer. The shop places an order at most once however often it is sent, retries by
 * itself, and answers `unavailable` only if nothing was written; the check holds it to that.
 */
export function outcomeOf({ status, body }: Pick<HttpAnswer, 'status' | 'body'>): Outcome {
  if (status === 201 || status === 200) return 'ok'
  if (status === 503 && (codeOf(body) === 'unavailable' || neverArrived.has(body.trim()))) return 'fail'
  // The shop has read the request and rejected it.
  if ([400, 403, 413, 415].includes(status)) return 'fail'
  return 'unknown'
}

export function outcomeOfError(error: unknown): Outcome {
  return error instanceof HttpError && !error.sent ? 'fail' : 'unknown'
}

function codeOf(body: string): string | undefined {
  const { error } = parsed(body) as { error?: { code?: unknown } }
  return typeof error?.code === 'string' ? error.code : undefined
}

/** {} for anything but a JSON object. */
export function parsed(body: string): object {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
