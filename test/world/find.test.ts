import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findLab, findWorld, namesLab, typed } from '../../src/world/find.ts'
import type { WorldHandle } from '../../src/world/handle.ts'
import { hint } from '../../src/world/hint.ts'
import { temporaryFolder } from '../support/sandboxed.ts'

/** A folder with a topology file of that name and worlds made from files; names that end in -lab are labs. */
function folderWith(worlds: Record<string, string>): string {
  const folder = realpathSync(temporaryFolder('worlds'))
  for (const [name, file] of Object.entries(worlds)) {
    mkdirSync(join(folder, '.nearside', name), { recursive: true })
    writeFileSync(join(folder, file), '')
    const lab = name.endsWith('-lab') ? { lab: { id: '0123abcd' } } : {}
    const record = { topologyFile: join(folder, file), ...lab }
    writeFileSync(join(folder, '.nearside', name, 'world.json'), JSON.stringify(record))
  }
  return folder
}

test('the only world in the current folder is the default', () => {
  const folder = folderWith({ shop: 'nearside.config.ts' })
  const world = join(folder, '.nearside/shop')
  assert.equal(findWorld({}, folder), world)
  assert.equal(findWorld({ topology: folder }, '/'), world)
  assert.equal(findWorld({ topology: 'nearside.config.ts' }, folder), world)
  assert.equal(findWorld({ topology: join(folder, 'nearside.config.ts') }, '/'), world)
})

test('the topology file or the name selects one of several worlds', () => {
  const folder = folderWith({ shop: 'shop.yaml', blog: 'blog.yaml', old: 'shop.yaml' })
  assert.equal(findWorld({ topology: 'blog.yaml' }, folder), join(folder, '.nearside/blog'))
  assert.equal(findWorld({ topology: 'shop.yaml', world: 'old' }, folder), join(folder, '.nearside/old'))
  assert.throws(() => findWorld({ topology: 'shop.yaml' }, folder), {
    code: 'world_ambiguous',
    remedy: 'choose one with --world old or --world shop',
  })
  assert.throws(() => findWorld({}, folder), { code: 'world_ambiguous' })
  assert.throws(() => findWorld({ world: 'blgo' }, folder), { code: 'usage_world_unknown' })
})

test('an error repeats the name as it was typed', () => {
  const folder = folderWith({ 'shop-lab': 'shop.yaml' })
  assert.throws(() => findLab({ world: 'nope' }, folder), {
    code: 'usage_world_unknown',
    message: 'world: expected shop-lab, got nope',
    remedy: 'use --world shop-lab',
  })
  for (const find of [findWorld, findLab])
    assert.throws(() => find({ topology: '/nope' }, folder), { message: '/nope: does not exist' })
})

test('a topology file without a world never selects another file’s world', () => {
  const folder = folderWith({ shop: 'shop.yaml' })
  assert.throws(() => findWorld({ topology: 'shpo.yaml' }, folder), {
    code: 'world_not_found',
    remedy: /shop, made from shop.yaml/,
  })
  assert.throws(() => findWorld({}, '/'), { code: 'world_not_found' })
})

test('folders and files are found through symbolic links', () => {
  const folder = folderWith({ shop: 'shop.yaml' })
  const link = join(temporaryFolder('worlds'), 'link')
  symlinkSync(folder, link)
  assert.equal(findWorld({ topology: join(link, 'shop.yaml') }, '/'), join(folder, '.nearside/shop'))
})

test('a hint is a command that can be pasted', () => {
  const folder = folderWith({ shop: 'shop.yaml', blog: 'blog.yaml' })
  const world = (name: string, file: string) =>
    ({
      name,
      folder: join(folder, '.nearside', name),
      record: { topologyFile: join(folder, file) },
    }) as WorldHandle
  const from = (cwd: string, env: NodeJS.ProcessEnv = {}) => ({ cwd, env })
  assert.equal(
    hint(world('blog', 'blog.yaml'), 'logs --follow', from(folder)),
    'nearside logs -t blog.yaml --follow',
  )
  const single = folderWith({ shop: 'shop.yaml' })
  const alone = { ...world('shop', 'shop.yaml'), folder: join(single, '.nearside/shop') }
  assert.equal(hint(alone, 'status', from(single)), 'nearside status')
  assert.equal(
    hint(alone, 'status', from(single, { NEARSIDE_COMMAND: 'bin/nearside' })),
    'bin/nearside status',
  )
  assert.equal(
    hint(alone, 'status', from(single, { NEARSIDE_COMMAND: "/opt/Ann's tools/nearside" })),
    `'/opt/Ann'\\''s tools/nearside' status`,
  )
})

test('a lab is found next to the world of the same topology, by either name', () => {
  const folder = folderWith({ shop: 'shop.yaml', 'shop-lab': 'shop.yaml' })
  const lab = join(folder, '.nearside/shop-lab')
  for (const options of [{}, { world: 'shop' }, { world: 'shop-lab' }, { topology: 'shop.yaml' }])
    assert.equal(findLab(options, folder), lab)
  assert.throws(() => findWorld({}, folder), {
    code: 'world_ambiguous',
    remedy: 'choose one with --world shop or --world shop-lab',
  })
  assert.ok(namesLab({ world: 'shop-lab' }, folder) && !namesLab({ world: 'shop' }, folder))
  const without = folderWith({ shop: 'shop.yaml' })
  assert.throws(() => findLab({}, without), { code: 'lab_not_found', remedy: /nearside lab up/ })
})

test('commands suggested in a lab are the lab’s', () => {
  const lab = { record: { lab: { id: '0123abcd' } } } as WorldHandle
  const other = { record: {} } as WorldHandle
  assert.equal(typed(lab, 'nearside down, then nearside up'), 'nearside lab down, then nearside lab up')
  assert.equal(typed(other, 'nearside up'), 'nearside up')
  const folder = folderWith({ shop: 'shop.yaml', 'shop-lab': 'shop.yaml' })
  const record = { topologyFile: join(folder, 'shop.yaml'), lab: { id: '0123abcd' } }
  const here = { name: 'shop-lab', folder: join(folder, '.nearside/shop-lab'), record } as WorldHandle
  const from = { cwd: folder, env: {} }
  assert.equal(hint(here, 'down', from), 'nearside lab down')
  assert.equal(hint(here, 'lab status', from), 'nearside lab status')
  assert.equal(hint(here, 'status', from), 'nearside status -t shop.yaml -w shop-lab')
})
