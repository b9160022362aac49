import { request } from 'node:http'
import { NearsideError } from '../lib/errors.ts'

type Question = {
  host: string
  port: number
  /** The world's API token. */
  token: string
  method: 'GET' | 'POST'
  path: string
  body?: unknown
  timeoutMs: number
  /** What starts an agent that does not answer. */
  starter: string
}

/** Resolves to the answer's body; rejects with the agent's own error, or with `agent_unreachable`. */
export function askAgent<T>({
  host,
  port,
  token,
  method,
  path,
  body,
  timeoutMs,
  starter,
}: Question): Promise<T> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  }
  return new Promise((resolve, reject) => {
    const unreachable = (why: string, cause?: Error) =>
      reject(
        new NearsideError('agent_unreachable', `agent at ${host}:${port}: ${why}`, {
          remedy: `see \`nearside status\`; \`${starter}\` starts the agents that are missing`,
          cause,
        }),
      )
    const call = request({ host, port, method, path, headers, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', (error) => unreachable(error.message))
      response.on('end', () => {
        let answer: { error?: { code: string; message: string; remedy?: string } }
        try {
          answer = JSON.parse(Buffer.concat(parts).toString('utf8'))
        } catch {
          return unreachable('its answer is not JSON')
        }
        const { error } = answer
        if (!error) return resolve(answer as T)
        reject(new NearsideError(error.code, error.message, error.remedy ? { remedy: error.remedy } : {}))
      })
    })
    const timer = setTimeout(() => call.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)
    call.on('error', (error) => unreachable(error.message, error))
    call.on('close', () => clearTimeout(timer))
    call.end(text)
  })
}
