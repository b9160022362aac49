import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { workingAgent } from '../../src/world/agents.ts'
import { handleOf } from '../../src/world/handle.ts'
import { freeNetwork } from '../support/net.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

/** A process that passes for the agent of us-east, and the world that it belongs to. */
async function fakeAgent(t: TestContext, code: string) {
  const folder = mkdtempSync(join(tmpdir(), 'nearside-agents-'))
  const topology = topologyOf(twoRegions, { network: { base: await freeNetwork() } })
  const world = handleOf(folder, { topology } as never, { api: 'token' } as never)
  const region = world.regions[0]!
  const program = join(folder, 'src/agent/main.ts')
  mkdirSync(join(folder, 'src/agent'), { recursive: true })
  const where = { host: region.address, port: topology.ports.agent }
  writeFileSync(
    program,
    `import { createServer } from 'node:http'\nconst where = ${JSON.stringify(where)}\n${code}`,
  )
  const child = spawn(process.execPath, [program, '--world', folder, '--region', region.name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_, how) => resolve(how)))
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true })
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return { world, region, child, exited }
}

suite('the agent of a region', () => {
  test('that has just started and does not listen yet is waited for, not killed', async (t) => {
    const { world, region, child } = await fakeAgent(
      t,
      `console.log('loading')
       const status = JSON.stringify({ region: 'us-east', agent: { pid: process.pid } })
       setTimeout(() => createServer((_, answer) => answer.end(status)).listen(where), 1000)`,
    )
    const status = await workingAgent(world, region)
    assert.equal(status?.agent.pid, child.pid)
  })

  test('that listens and does not answer is killed', async (t) => {
    const { world, region, exited } = await fakeAgent(
      t,
      `createServer(() => {}).listen({ ...where, exclusive: true }, () => console.log('hangs'))`,
    )
    assert.equal(await workingAgent(world, region), undefined)
    assert.equal(await exited, 'SIGKILL')
  })
})
