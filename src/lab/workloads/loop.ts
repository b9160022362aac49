import { messageOf } from '../../lib/errors.ts'

type Loop = {
  perSecond: number
  signal: AbortSignal
  /** Operations under way at once. */
  maxUnderWay: number
  /** The n-th operation. It records what became of it, and never rejects. */
  begin: (n: number) => Promise<void>
  /** The n-th operation, which had no place. */
  refuse: (n: number, why: string) => void
}

/** Short enough that an operation begins when it is due, long enough to cost nothing. */
const stepMs = 5

/**
 * Open loop: the n-th operation begins n / perSecond after the start, whatever became of those before it. A world that
 * stands still gets everything that it missed, as it would from real users. Resolves when the signal is aborted and
 * every operation has ended.
 */
export async function openLoop({ perSecond, signal, maxUnderWay, begin, refuse }: Loop): Promise<void> {
  if (signal.aborted || perSecond <= 0) return
  const underWay = new Set<Promise<void>>()
  const startedMs = performance.now()
  let next = 0
  const step = () => {
    const due = ((performance.now() - startedMs) / 1000) * perSecond
    for (; next < due; next += 1) {
      if (underWay.size >= maxUnderWay) {
        refuse(next, `not sent: ${maxUnderWay} operations are under way here`)
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
