import { type FileHandle, open } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { NearsideError } from '../../lib/errors.ts'
import { greeting, linkLine, parseLink, parseStats, parseTotals, placeLine, unexpected } from './protocol.ts'
import type { Shaper } from './types.ts'

export const socketName = 'control.sock'

/** Longer than any answer takes. A stopped shaper (SIGSTOP) must not block a command forever. */
const answerWithinMs = 5_000

/** The lines of an answer, up to and including the one that starts with `ok` or `error`. */
type Answer = string[]

type Waiting = { lines: string[]; done: (answer: Answer) => void; failed: (error: Error) => void }

/** Connects to the control socket in `folder`, from any network namespace. The connection keeps no process running. */
export async function connectShaper(folder: string): Promise<Shaper> {
  const connection = await connect(folder)
  const { ask, askAll } = connection
  try {
    const [hello] = await ask('hello')
    if (hello !== `ok ${greeting}`) throw unexpected(hello)
  } catch (error) {
    connection.close()
    throw error
  }
  // Staged links belong to the connection, so concurrent calls would mix them up.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
  return {
    async places(prefixes) {
      await askAll(prefixes.map(placeLine))
    },
    async set(links) {
      const lines = links.map(linkLine)
      await inTurn(async () => {
        try {
          await askAll(lines)
        } catch (error) {
          await ask('discard').catch(() => undefined)
          throw error
        }
        await ask('apply')
      })
    },
    stats: async () => (await ask('stats')).slice(0, -1).map(parseStats),
    params: async () => (await ask('links')).slice(0, -1).map(parseLink),
    totals: async () => parseTotals((await ask('totals'))[0]),
    async seed(seed) {
      if (!Number.isSafeInteger(seed) || seed < 0)
        throw new NearsideError('wan_seed', `seed: expected a whole number from 0 on, got ${seed}`)
      await ask(`seed ${seed}`)
    },
    close: connection.close,
  }
}

async function connect(folder: string) {
  const socket = await openSocket(folder)
  const waiting: Waiting[] = []
  let rest = ''
  let ended: Error | undefined
  const end = (error: Error) => {
    ended ??= error
    for (const one of waiting.splice(0)) one.failed(ended)
    socket.destroy()
  }
  socket.setEncoding('latin1')
  socket.on('data', (data: string) => {
    const lines = (rest + data).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const first = waiting[0]
      if (!first) return end(unexpected(line))
      first.lines.push(line)
      if (!/^(ok|error)\b/.test(line)) continue
      waiting.shift()
      socket.setTimeout(waiting.length > 0 ? answerWithinMs : 0)
      first.done(first.lines)
    }
  })
  socket.on('timeout', () =>
    end(new NearsideError('wan_timeout', `the shaper did not answer within ${answerWithinMs} ms`)),
  )
  socket.on('error', (cause) => end(gone(folder, cause)))
  socket.on('close', () => end(gone(folder)))
  socket.unref()

  const ask = async (line: string): Promise<Answer> => {
    if (ended) throw ended
    const answer = new Promise<Answer>((done, failed) => waiting.push({ lines: [], done, failed }))
    // A pending request keeps the process running.
    socket.ref()
    socket.setTimeout(answerWithinMs)
    socket.write(`${line}\n`)
    try {
      const lines = await answer
      const verdict = lines.at(-1)!
      if (verdict.startsWith('ok')) return lines
      throw new NearsideError(
        'wan_refused',
        `the shaper refused “${line}”: ${verdict.slice('error '.length)}`,
      )
    } finally {
      if (waiting.length === 0) socket.unref()
    }
  }

  return {
    ask,
    /** Sends all at once and gets answers in order; throws the first refusal once all have been answered. */
    async askAll(lines: readonly string[]) {
      // One write, even for thousands of lines.
      socket.cork()
      const asked = Promise.allSettled(lines.map(ask))
      socket.uncork()
      const answers = await asked
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
    },
    close: () => end(new NearsideError('wan_closed', 'the connection to the shaper was closed')),
  }
}

const gone = (folder: string, cause?: unknown) =>
  new NearsideError('wan_gone', `${folder}: the shaper closed the connection`, {
    remedy: 'run `nearside lab down`, then `nearside lab up`',
    cause,
  })

/** Connects through an open folder: a socket's path is limited to 107 bytes, and a world's path may be longer. */
async function openSocket(folder: string): Promise<Socket> {
  let handle: FileHandle | undefined
  try {
    handle = await open(folder, 'r')
    const path = `/proc/self/fd/${handle.fd}/${socketName}`
    return await new Promise<Socket>((resolve, reject) => {
      const socket = createConnection({ path })
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(socket)
      })
      socket.once('error', reject)
    })
  } catch (cause) {
    const forbidden = (cause as NodeJS.ErrnoException).code === 'EACCES'
    throw new NearsideError('wan_not_running', `${folder}: no shaper is listening`, {
      remedy: forbidden ? 'the lab belongs to root: use sudo' : 'run `nearside lab up`',
      cause,
    })
  } finally {
    await handle?.close()
  }
}
