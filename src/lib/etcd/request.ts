import { NearsideError } from '../errors.ts'
import { callHttp, httpStatus, parseJson } from '../http.ts'

/** Sends one request to one member through etcd's JSON gateway. */

export type Json = Record<string, unknown>

/**
 * The reasons for refusals that callers distinguish. One gRPC status covers many reasons, and the gateway passes on
 * only etcd's message (`api/v3rpc/rpctypes/error.go`). Only this file parses it.
 */
const sentences = {
  compacted: /has been compacted/,
  noLeader: /no leader/,
  exists: /already (exists|granted|enabled)/,
  authOff: /authentication is not enabled/,
  noUser: /user name is empty/,
  badToken: /invalid auth token/,
  oldAuthRevision: /revision of auth store is old/,
  denied: /permission denied/,
} as const satisfies Record<string, RegExp>

export type RefusalReason = keyof typeof sentences | 'other'

const reasonIn = (sentence: string): RefusalReason =>
  (Object.keys(sentences) as (keyof typeof sentences)[]).find((reason) => sentences[reason].test(sentence)) ??
  'other'

/** etcd refused the request. `grpcCode` is the gRPC status: 5 not found, 9 failed precondition, 16 unauthenticated … */
export class EtcdRefusal extends NearsideError {
  readonly grpcCode: number
  readonly reason: RefusalReason

  constructor(path: string, grpcCode: number, sentence: string) {
    super('etcd_refused', `etcd ${path}: ${sentence}`)
    this.grpcCode = grpcCode
    this.reason = reasonIn(sentence)
  }
}

/** Rejects with `EtcdRefusal` if etcd refuses, and with `HttpError` when the outcome is unknown. */
export async function post(
  endpoint: string,
  path: string,
  body: Json,
  timeoutMs: number,
  token?: string,
): Promise<Json> {
  const { status, body: text } = await callHttp({
    ...placeOf(endpoint),
    path,
    method: 'POST',
    json: body,
    headers: token ? { authorization: token } : {},
    timeoutMs,
    keepAlive: true,
  })
  // A stream's first message (lease keep-alive) is on the first line.
  const answer = parseJson<Json>(text.split('\n')[0] || '{}')
  if (answer === undefined) throw new NearsideError('etcd_garbled', `etcd ${path}: answer is not JSON`)
  if (status === 200 && !answer.error) return answer
  const message = String(answer.message ?? JSON.stringify(answer.error))
  throw new EtcdRefusal(path, Number(answer.code ?? 2), message)
}

/** A member is healthy if it knows a leader and can serve a linearizable read. */
export const isHealthy = async (endpoint: string, timeoutMs: number): Promise<boolean> =>
  (await httpStatus({ ...placeOf(endpoint), path: '/health', timeoutMs })) === 200

function placeOf(endpoint: string): { host: string; port: number } {
  const { hostname, port } = new URL(endpoint)
  return { host: hostname, port: Number(port) }
}
