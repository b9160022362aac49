import { request } from 'node:http'

type HttpAnswer = { status: number; body: string }

/** A GET; undefined when there is no whole answer in time. */
export function askHttp(
  host: string,
  port: number,
  path: string,
  timeoutMs: number,
): Promise<HttpAnswer | undefined> {
  return new Promise((resolve) => {
    const call = request({ host, port, path, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', () => resolve(undefined))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
      )
    })
    const timer = setTimeout(() => call.destroy(), timeoutMs)
    call.on('error', () => resolve(undefined))
    call.on('close', () => {
      clearTimeout(timer)
      resolve(undefined)
    })
    call.end()
  })
}

/** The same as JSON, whatever the status. */
export async function getJson<T>(...question: Parameters<typeof askHttp>): Promise<T | undefined> {
  return parseJson<T>((await askHttp(...question))?.body)
}

export function parseJson<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined
  }
}
