import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { neverSent } from '../../../../src/engines/haproxy/layout.ts'
import { outcomeOf, outcomeOfError } from '../../../../src/lab/workloads/orders/outcome.ts'
import { HttpError } from '../../../../src/lib/http.ts'

describe('the outcome of an order', () => {
  const answer = (status: number, body = '') => ({ status, headers: {}, body })
  const table: [string, ReturnType<typeof answer>, string][] = [
    ['placed', answer(201), 'ok'],
    ['placed before', answer(200), 'ok'],
    ['refused by the shop, nothing written', answer(503, '{"error":{"code":"unavailable"}}'), 'fail'],
    ['in doubt', answer(503, '{"error":{"code":"outcome_unknown"}}'), 'unknown'],
    ['held too long by the edge', answer(503, neverSent.noPrimary), 'fail'],
    ['one too many to be held', answer(503, neverSent.tooMany), 'fail'],
    ['any other 503', answer(503, '<html>'), 'unknown'],
    ['aborted', answer(502), 'unknown'],
    ['not answered in time', answer(504), 'unknown'],
    ['invalid', answer(400, '{"error":{"code":"invalid_order"}}'), 'fail'],
    ['a redirect', answer(303), 'unknown'],
    ['the same reference with other products', answer(409), 'unknown'],
  ]
  for (const [what, given, outcome] of table)
    test(`${what}: ${outcome}`, () => assert.equal(outcomeOf(given), outcome))
  test('no connection: fail; a connection that broke: unknown; anything else: unknown', () => {
    assert.equal(
      outcomeOfError(new HttpError('http_refused', 'host:80', { reason: 'ECONNREFUSED', sent: false })),
      'fail',
    )
    assert.equal(
      outcomeOfError(new HttpError('http_broken', 'host:80', { reason: 'ECONNRESET', sent: true })),
      'unknown',
    )
    assert.equal(outcomeOfError(new TypeError('?')), 'unknown')
  })
})
