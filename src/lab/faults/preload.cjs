// NODE_OPTIONS loads this into the app of a lab, for faults inside the app: see app-control.ts.
// It must work in every Node and must not disturb the app while there is no fault.
'use strict'
const { readFileSync } = require('node:fs')
const http = require('node:http')
const { join } = require('node:path')

const readMs = 100
const leakMostMb = 1024
const folder = process.env.NEARSIDE_FOLDER
const port = process.env.PORT

// The release command and other helpers of the app have no port; an agent has neither variable.
if (folder && port) {
  const file = join(folder, 'run', 'app-fault.json')
  const RealDate = Date
  let control = {}
  let leaked = []

  const read = () => {
    let next = {}
    try {
      next = JSON.parse(readFileSync(file, 'utf8'))
      if (!(next.until > RealDate.now())) next = {}
    } catch {
      // No fault is active, or the file is being replaced.
    }
    control = next
    leak()
    globalThis.Date = control.clockOffsetMs ? OffDate : RealDate
  }

  const leak = () => {
    if (!control.leakMbPerSecond) leaked = []
    else if (leaked.length * (readMs / 1000) * control.leakMbPerSecond < leakMostMb)
      // Filled, because memory that was never written to is not allocated.
      leaked.push(Buffer.alloc(Math.round((readMs / 1000) * control.leakMbPerSecond * 1024 * 1024), 1))
  }

  const offNow = () => RealDate.now() + (control.clockOffsetMs || 0)
  const OffDate = new Proxy(RealDate, {
    construct: (target, args, asked) =>
      Reflect.construct(target, args.length === 0 ? [offNow()] : args, asked === OffDate ? target : asked),
    apply: (target) => new target(offNow()).toString(),
    get: (target, key) => (key === 'now' ? offNow : Reflect.get(target, key)),
  })

  setInterval(read, readMs).unref()

  const { emit } = http.Server.prototype
  http.Server.prototype.emit = function (name, request, response, ...rest) {
    if (name === 'request' && control.errorShare && Math.random() < control.errorShare) {
      response.writeHead(500, { 'content-type': 'text/plain' })
      response.end('injected by nearside lab fault\n')
      return true
    }
    return emit.call(this, name, request, response, ...rest)
  }
}
