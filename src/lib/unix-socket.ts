import { closeSync, constants, openSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, dirname } from 'node:path'

/**
 * Sends one line to a Unix socket and resolves to the complete answer. Rejects if no process listens or the answer
 * takes longer than `timeoutMs`.
 *
 * A socket's path is limited to 107 bytes and a world's path may be longer, so it connects through a descriptor of the
 * folder.
 */
export async function askUnixSocket(path: string, line: string, timeoutMs: number): Promise<string> {
  if (Buffer.byteLength(path) <= 107) return ask(path, line, timeoutMs)
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return await ask(`/proc/self/fd/${folder}/${basename(path)}`, line, timeoutMs)
  } finally {
    closeSync(folder)
  }
}

function ask(path: string, line: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    const fail = (error: Error) => {
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const parts: string[] = []
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => parts.push(part))
    socket.once('error', fail)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(parts.join(''))
    })
    // HAProxy's master keeps the connection open until its client closes its side.
    socket.end(`${line}\n`)
  })
}
