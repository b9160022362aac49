// Loaded into the app of a lab by NODE_OPTIONS, for faults that only the app itself can have: see app.ts.
// It must work in every Node and must not disturb an app that it has nothing to do to.
'use strict'
const { readFileSync } = require('node:fs')
const http = require('node:http')
const { join } = require('node:path')

const lookMs = 100
const leakMostMb = 1024
const folder = process.env.NEARSIDE_FOLDER
const port = process.env.PORT

// The release command and other helpers of the app have no port; an agent has neither.
if (folder && port) {
  const file = join(folder, 'run', 'app-fault.json')
  const RealDate = Date
  let control = {}
  let leaked = []

  const look = () => {
    let next = {}
    try {
      next = JSON.parse(readFileSync(file, 'utf8'))
      if (!(next.until > RealDate.now())) next = {}
    } catch {
      // No file, or one that is just being replaced: nothing to do.
    }
    control = next
    leak()
    globalThis.Date = control.clockOffsetMs ? OffDate : RealDate
  }

  const leak = () => {
    if (!control.leakMbPerSecond) leaked = []
    else if (leaked.length * (lookMs / 1000) * control.leakMbPerSecond < leakMostMb)
      // Filled: memory that was never written to is not taken from anybody.
      leaked.push(Buffer.alloc(Math.round((lookMs / 1000) * control.leakMbPerSecond * 1024 * 1024), 1))
  }

  const offNow = () => RealDate.now() + (control.clockOffsetMs || 0)
  const OffDate = new Proxy(RealDate, {
    construct: (target, args, asked) =>
      Reflect.construct(target, args.length === 0 ? [offNow()] : args, asked === OffDate ? target : asked),
    apply: (target) => new target(offNow()).toString(),
    get: (target, key) => (key === 'now' ? offNow : Reflect.get(target, key)),
  })

  setInterval(look, lookMs).unref()

  const { emit } = http.Server.prototype
  http.Server.prototype.emit = function (name, request, response, ...rest) {
    if (name === 'request' && control.errorShare && Math.random() < control.errorShare) {
      response.writeHead(500, { 'content-type': 'text/plain' })
      response.end('a fault that was asked for (nearside lab fault app-500)\n')
      return true
    }
    return emit.call(this, name, request, response, ...rest)
  }
}
