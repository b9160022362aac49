import { createHash } from 'node:crypto'
import { connect, createServer, type Server } from 'node:net'

/**
 * One at a time on this machine: the name of a socket that the kernel gives to one process and takes back when that
 * process ends, however it ends. So no lock is ever left behind, and whoever waits can ask its holder who it is.
 */
export async function withLock<T>(
  /** What is locked, such as a folder. */
  name: string,
  /** Told to whoever waits: "nearside up, process 123". */
  holder: string,
  onWait: (holder: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  // Abstract (it begins with a NUL): there is no file that could outlive its maker.
  const path = `\0nearside-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
  let waited = false
  for (;;) {
    const server = await take(path, holder)
    if (server) {
      try {
        return await work()
      } finally {
        server.close()
      }
    }
    if (!waited) onWait(await ask(path))
    waited = true
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Undefined when another has it. */
function take(path: string, holder: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(holder)
    })
    server.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(path, () => resolve(server))
  })
}

function ask(path: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path)
    socket.setTimeout(500, () => socket.destroy())
    socket.on('data', (part) => {
      answer += String(part)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer || 'another process'))
  })
}
