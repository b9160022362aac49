import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { worldFile, worldFolderFor } from '../../../src/agent/layout.ts'
import { lackOf } from '../../../src/lab/network/abilities.ts'
import { labFolder } from '../../../src/lab/network/registry.ts'
import { labNamespaces } from '../../../src/lab/network/remove.ts'
import { labIdOf } from '../../../src/world/namespaces/names.ts'
import { testNetwork } from '../../support/lab/networks.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'
import { agentsOf, killAll, processesOfWorld, worldMark } from '../../support/world/processes.ts'
import { takeWorldLock } from '../../support/world/world-lock.ts'
import { twoRegionsAndWitness } from '../../support/world.ts'
import { nearside } from '../program.ts'

const program = join(import.meta.dirname, '../../../src/cli/main.ts')
const lack = await lackOf()

/** `nearside lab up` that cannot finish. Its app never becomes healthy, so it would wait for a long time. */
suite('an interrupted lab up', { skip: lack ? `a lab needs ${lack.what}` : false }, () => {
  const folder = realpathSync(temporaryFolder('interrupted'))
  const file = join(folder, 'nearside.yaml')
  const world = worldFolderFor(file, 'halfway-lab')
  const id = labIdOf(world)
  const children = new Set<ChildProcess>()
  let worldLock: { end(): void } | undefined
  // Removes the network when this process exits for any reason.
  const remains = lack ? undefined : testNetwork(world)
  before(async () => {
    worldLock = await takeWorldLock()
    writeFileSync(
      file,
      JSON.stringify({
        name: 'halfway',
        domain: 'halfway.example.com',
        regions: twoRegionsAndWitness,
        app: { command: ['sleep', '1000'], instances: 1 },
      }),
    )
  })
  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    await killAll(() => processesOfWorld(world))
    await remains?.close()
    worldLock?.end()
  })

  function up() {
    const child = spawn(process.execPath, [program, 'lab', 'up'], {
      cwd: folder,
      env: { ...process.env, [worldMark]: world },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, as a shell would create for a command.
      detached: true,
    })
    children.add(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    const ended = new Promise<{ code: number | null; by: string | null; said: string }>((resolve) =>
      child.on('close', (code, by) => resolve({ code, by, said })),
    )
    return { child, ended }
  }

  function nothingIsLeft() {
    assert.deepEqual(labNamespaces(id), [])
    assert.ok(!existsSync(labFolder(id)))
    assert.deepEqual(processesOfWorld(world), [])
  }

  test('by SIGKILL while the network is created: lab down removes the remains', async () => {
    const { child, ended } = up()
    await until('namespaces', () => labNamespaces(id).length > 1, 30_000)
    // Including the child in the router, which would otherwise clean up by itself.
    process.kill(-child.pid!, 'SIGKILL')
    await ended
    assert.ok(labNamespaces(id).length > 1)
    const { code, stderr } = await nearside(folder, ['lab', 'down'])
    assert.equal(code, 0, stderr)
    nothingIsLeft()
  })

  // Ctrl-C in a terminal signals every foreground process, including those that create the network.
  const moments: Record<string, () => boolean> = {
    'once its data folder exists': () => existsSync(world),
    'once it is registered': () => existsSync(labFolder(id)),
    'once one namespace exists': () => labNamespaces(id).length > 0,
    'once several namespaces exist': () => labNamespaces(id).length > 1,
    'once all namespaces exist': () => labNamespaces(id).length === 5,
    'once the shaper has a record': () => existsSync(join(labFolder(id), 'shaper.json')),
    'once the world has a record': () => existsSync(worldFile(world)),
  }
  for (const [when, reached] of Object.entries(moments))
    test(`by Ctrl-C in a terminal, ${when}: exits as interrupted and leaves nothing`, async () => {
      rmSync(world, { recursive: true, force: true })
      const { child, ended } = up()
      const over = ended.then(() => true)
      while (!reached() && !(await Promise.race([over, setImmediate(false)])));
      process.kill(-child.pid!, 'SIGINT')
      const { code, by, said } = await ended
      assert.doesNotMatch(said, /error:/)
      assert.equal(code, 130, `ended by ${by}\n${said}`)
      nothingIsLeft()
    })

  // Between these moments, a signal may reach a process that is loading or about to start another.
  for (let afterMs = 60; afterMs <= 600; afterMs += 60)
    test(`by Ctrl-C in a terminal, ${afterMs} ms after its start: leaves nothing`, async () => {
      rmSync(world, { recursive: true, force: true })
      const { child, ended } = up()
      await sleep(afterMs)
      process.kill(-child.pid!, 'SIGINT')
      const { code, by, said } = await ended
      assert.doesNotMatch(said, /error:/)
      // Before it handles signals, the signal kills it, and it has created nothing.
      assert.ok(code === 130 || by === 'SIGINT', `exit ${code}, ${by}\n${said}`)
      nothingIsLeft()
    })

  // The first process continues in the router through a child. `kill` and systemd signal only the first one.
  for (const [when, reached] of Object.entries(moments))
    test(`by SIGTERM to its first process only, ${when}: exits as interrupted and leaves nothing`, async () => {
      rmSync(world, { recursive: true, force: true })
      const { child, ended } = up()
      await until(when, reached, 60_000)
      child.kill('SIGTERM')
      const { code, by, said } = await ended
      assert.doesNotMatch(said, /error:/)
      assert.equal(code, 130, `ended by ${by}\n${said}`)
      nothingIsLeft()
    })

  test('by SIGKILL of its first process only: the child in the router notices and removes everything', async () => {
    const { child, ended } = up()
    await until('namespaces', () => labNamespaces(id).length > 1, 60_000)
    child.kill('SIGKILL')
    await ended
    await until('its child to end', () => processesOfWorld(world).length === 0, 60_000)
    nothingIsLeft()
  })

  test('by Ctrl-C while the regions start: leaves only data', async () => {
    const { child, ended } = up()
    const agents = () =>
      Object.keys(twoRegionsAndWitness).every((region) => agentsOf(world, region).length > 0)
    await until('agents', agents, 60_000)
    child.kill('SIGINT')
    const { code, said } = await ended
    assert.equal(code, 130, said)
    assert.match(said, /was not started, and its network was removed/)
    nothingIsLeft()
  })
})
