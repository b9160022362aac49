import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { launcher, specOf } from '../../../src/agent/supervision/launch.ts'
import { renderHaproxy } from '../../../src/engines/haproxy/render.ts'
import { ask } from '../../../src/engines/knot/ask.ts'
import { renderKnot } from '../../../src/engines/knot/render.ts'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { sandboxCommand } from '../../../src/engines/root/sandbox.ts'
import { httpStatus } from '../../../src/lib/http.ts'
import { thisMachine } from '../../../src/lib/machine.ts'
import { signal } from '../../../src/lib/proc.ts'
import type { EnginePart } from '../../../src/plan.ts'
import { knotTopology, writePart } from '../../support/knot.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'
import { contextFor, topologyOf, twoRegions } from '../../support/topologies.ts'

const skip = process.geteuid?.() === 0 ? false : 'only root can give the capability away'

describe('an engine with a port below 1024', () => {
  test('gets CAP_NET_BIND_SERVICE and nothing else, and can gain nothing', { skip }, () => {
    const script = `grep -E 'Cap(Prm|Eff|Inh|Amb)|NoNewPrivs' /proc/self/status
      for path in / /usr/bin /etc /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/1/oom_score_adj; do
        test -w $path && (echo >> $path) 2>/dev/null && echo writable: $path
      done
      ls /proc/1/root 2>/dev/null; ls -A /root /home /srv 2>/dev/null; echo end`
    const { file, args, env } = sandboxCommand({
      root: locateEngineRoot().path,
      binds: [],
      cwd: '/tmp',
      env: {},
      command: ['sh', '-c', script],
      lifetime: 'tied',
      bindsLowPorts: true,
    })
    const { stdout } = spawnSync(file, args, { env, encoding: 'utf8' })
    const only = '0000000000000400'
    assert.deepEqual(stdout.trim().split(/\s+/), [
      ...['CapInh:', only, 'CapPrm:', only, 'CapEff:', only, 'CapAmb:', only],
      ...['NoNewPrivs:', '1', 'end'],
    ])
  })

  test('HAProxy serves port 80 and Knot port 53', { skip }, async () => {
    const topology = await knotTopology({ ports: { http: 80, dns: 53 } })
    const folder = temporaryFolder('low-ports')
    const context = { ...contextFor(topology, 'us-east', folder), machine: thisMachine() }
    const { address } = context.region
    const parts = [renderHaproxy(context), renderKnot(context)]
    writePart(merged(parts), folder)
    const { launch } = launcher({ root: locateEngineRoot().path, folder, files: merged(parts).files })
    const started = []
    try {
      for (const { processes } of parts) started.push(await launch(processes[0]!))
      const at = { host: address, port: 80, path: '/.nearside/alive', timeoutMs: 500 }
      await until('HAProxy', async () => (await httpStatus(at)) === 200)
      const question = { name: topology.domain, type: 'SOA' } as const
      await until('Knot', async () => (await ask({ address, port: 53 }, question))?.code === 0)
    } finally {
      for (const id of started) signal(id, 'SIGKILL')
    }
  })

  test('is marked in the plan, no other is, and a change to such a port restarts it', () => {
    const marked = (ports: Parameters<typeof topologyOf>[1]) => {
      const context = contextFor(topologyOf(twoRegions, ports), 'us-east')
      return [renderHaproxy(context), renderKnot(context)].map(({ processes }) => processes[0]!.bindsLowPorts)
    }
    assert.deepEqual(marked({}), [undefined, undefined])
    assert.deepEqual(marked({ ports: { http: 80 } }), [true, undefined])
    assert.deepEqual(marked({ ports: { dns: 53 } }), [undefined, true])
    const process = (ports: object) =>
      renderHaproxy(contextFor(topologyOf(twoRegions, { ports }), 'us-east')).processes[0]!
    assert.notEqual(specOf(process({ http: 80 }), []).start, specOf(process({}), []).start)
    assert.equal(specOf(process({ http: 8088 }), []).start, specOf(process({}), []).start)
  })
})

const merged = (parts: readonly EnginePart[]): EnginePart => ({
  folders: ['log', 'run', ...parts.flatMap((part) => part.folders)],
  files: parts.flatMap((part) => part.files),
  processes: parts.flatMap((part) => part.processes),
})
