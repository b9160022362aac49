import { messageOf } from '../../lib/errors.ts'

type Loop = {
  perSecond: number
  signal: AbortSignal
  /** Maximum operations in flight. */
  maxInFlight: number
  /** Starts the n-th operation. It must record its outcome and never reject. */
  begin: (n: number) => Promise<void>
  /** Called for the n-th operation if it exceeds the maximum. */
  refuse: (n: number, why: string) => void
}

/** Short enough to start operations on time, long enough to be cheap. */
const stepMs = 5

/**
 * Open loop: the n-th operation starts n / perSecond after the beginning, whatever the outcome of earlier ones. A
 * stalled world then gets everything it missed, as from real users. Resolves once the signal is aborted and every
 * operation has ended.
 */
export async function openLoop({ perSecond, signal, maxInFlight, begin, refuse }: Loop): Promise<void> {
  if (signal.aborted || perSecond <= 0) return
  const underWay = new Set<Promise<void>>()
  const startedMs = performance.now()
  let next = 0
  const step = () => {
    const due = ((performance.now() - startedMs) / 1000) * perSecond
    for (; next < due; next += 1) {
      if (underWay.size >= maxInFlight) {
        refuse(next, `not sent: ${maxInFlight} operations in flight`)
        continue
      }
      const ended = begin(next).finally(() => underWay.delete(ended))
      underWay.add(ended)
    }
  }
  const defect = Promise.withResolvers<never>()
  const timer = setInterval(() => {
    try {
      step()
    } catch (error) {
      defect.reject(error)
    }
  }, stepMs)
  try {
    await Promise.race([once(signal), defect.promise])
  } finally {
    clearInterval(timer)
  }
  const ended = await Promise.allSettled(underWay)
  const broken = ended.find((one) => one.status === 'rejected')
  if (broken) throw new Error(`an operation was not recorded: ${messageOf(broken.reason)}`)
}

const once = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
