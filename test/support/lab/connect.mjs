import { connect } from 'node:net'

/**
 * node connect.mjs HOST PORT TIMES TIMEOUT_MS THEN [FROM]: connects TIMES times and prints the results as JSON. THEN is
 * `read` to wait for the answer, or `leave` to disconnect immediately.
 */
const [host, port, times, timeoutMs, then, from] = process.argv.slice(2)
const results = []
for (let i = 0; i < Number(times); i += 1) results.push(await once())
console.log(JSON.stringify(results))
process.exit()

function once() {
  return new Promise((resolve) => {
    const startedMs = performance.now()
    const socket = connect({ host, port: Number(port), ...(from ? { localAddress: from } : {}) })
    let connectMs = 0
    let answer = ''
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error(), { code: 'TIMED_OUT' })),
      timeoutMs,
    )
    socket.on('connect', () => {
      connectMs = performance.now() - startedMs
      if (then === 'leave') socket.destroy()
    })
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text
    })
    socket.on('error', (error) => resolve({ error: error.code, connectMs }))
    socket.on('close', () => {
      clearTimeout(timer)
      resolve({ answer, connectMs })
    })
  })
}
