import type { Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import type { Agent } from '../agent.ts'

/** Statuses of the API's error answers. 500 is left for what the caller cannot change. */
const statuses: Record<string, ContentfulStatusCode> = {
  body_invalid: 400,
  purge_invalid: 400,
  region_unknown: 400,
  stage_unknown: 400,
  process_unknown: 404,
  no_primary: 409,
  already_primary: 409,
  no_safe_target: 409,
  body_too_large: 413,
  etcd_unreachable: 503,
}

export function refusal(log: Agent['log']) {
  return (error: unknown, c: Context) => {
    const { code, remedy } = error instanceof NearsideError ? error : { code: 'internal', remedy: undefined }
    log.warn({ code, error: messageOf(error), path: c.req.path }, 'API request failed')
    return c.json(
      { error: { code, message: messageOf(error), ...(remedy ? { remedy } : {}) } },
      statuses[code] ?? 500,
    )
  }
}

/** A route that exists for other methods gets 405 with these, any other 404. */
export function notServed(app: Hono) {
  return (c: Context) => {
    const { method, path } = c.req
    const allowed = app.routes.filter((one) => one.path === path && one.method !== 'ALL')
    if (allowed.length === 0)
      return c.json({ error: { code: 'not_found', message: `this API has no route ${method} ${path}` } }, 404)
    const methods = [
      ...new Set(allowed.flatMap((one) => (one.method === 'GET' ? ['GET', 'HEAD'] : [one.method]))),
    ]
    return c.json(
      {
        error: {
          code: 'method_not_allowed',
          message: `${path}: expected the method ${methods.join(' or ')}, got ${method}`,
        },
      },
      405,
      { allow: methods.join(', ') },
    )
  }
}
