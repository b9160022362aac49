import type { Context } from 'hono'
import { type Frame, layout, type Page } from '../pages/layout.ts'
import { type Problem, problemPage } from '../pages/problem.ts'
import type { Services } from './services.ts'

export function respondWithPage(
  c: Context,
  services: Services,
  page: Page,
  status: 200 | Problem['status'] = 200,
) {
  return c.html(layout(frameOf(c, services), page), status)
}

/** The same problem for people and for programs, without internals of the shop. */
export function respondWithProblem(c: Context, services: Services, problem: Problem) {
  if (problem.status === 503) c.header('retry-after', '2')
  if (!wantsJson(c)) return respondWithPage(c, services, problemPage(problem), problem.status)
  const { code, title, advice, details } = problem
  return c.json({ error: { code, message: `${title}. ${advice}`, details } }, problem.status)
}

export function wantsJson(c: Context): boolean {
  return c.req.path.startsWith('/api/') || c.req.header('accept')?.includes('application/json') === true
}

function frameOf(c: Context, { region, assets }: Services): Frame {
  const edge = c.req.header('nearside-edge')
  return { region, edge: edge && /^[a-z0-9-]{1,63}$/.test(edge) ? edge : undefined, asset: assets.url }
}

export const notFound: Problem = {
  status: 404,
  code: 'not_found',
  title: 'Not found',
  advice: 'This page does not exist, or no longer exists.',
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export const isUuid = (value: string | undefined): value is string =>
  value !== undefined && uuidPattern.test(value)
