import { NearsideError } from '../lib/errors.ts'
import { callHttp, HttpError, parseJson } from '../lib/http.ts'

type Question = {
  host: string
  port: number
  /** The world's API token. */
  token: string
  method: 'GET' | 'POST'
  path: string
  body?: unknown
  timeoutMs: number
  /** The command that starts a missing agent, for the remedy. */
  starter: string
}

/** Resolves to the body of the answer; rejects with the agent's error, or with `agent_unreachable`. */
export async function askAgent<T>({ token, body, starter, ...where }: Question): Promise<T> {
  const unreachable = (why: string, cause?: unknown) =>
    new NearsideError('agent_unreachable', `agent at ${where.host}:${where.port}: ${why}`, {
      remedy: `see \`nearside status\`; \`${starter}\` starts missing agents`,
      cause,
    })
  const { body: text } = await callHttp({
    ...where,
    json: body,
    headers: { authorization: `Bearer ${token}` },
  }).catch((error) => {
    throw error instanceof HttpError ? unreachable(error.reason, error) : error
  })
  const answer = parseJson<{ error?: { code: string; message: string; remedy?: string } }>(text)
  if (answer === undefined) throw unreachable('its answer is not JSON')
  const { error } = answer
  if (error) throw new NearsideError(error.code, error.message, error.remedy ? { remedy: error.remedy } : {})
  return answer as T
}
