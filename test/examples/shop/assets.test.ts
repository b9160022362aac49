import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadAssets } from '../../../examples/shop/assets.ts'

const folder = mkdtempSync(join(tmpdir(), 'nearside-assets-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function assetsWith(css: string) {
  writeFileSync(join(folder, 'shop.css'), css)
  return loadAssets(folder)
}

const nameOf = (url: string) => url.replace('/assets/', '')

test('the address of an asset changes with its content, and only what has that address is kept for ever', () => {
  const before = assetsWith('a {}')
  const now = assetsWith('b {}')
  assert.match(now.url('shop.css'), /^\/assets\/shop\.[0-9a-f]{12}\.css$/)
  assert.notEqual(now.url('shop.css'), before.url('shop.css'))
  assert.equal(now.find(nameOf(now.url('shop.css')))?.cacheControl, 'public, max-age=31536000, immutable')
})

test('the address of another release is answered with what is there, and nobody keeps that', () => {
  const before = assetsWith('a {}')
  const now = assetsWith('b {}')
  const asset = now.find(nameOf(before.url('shop.css')))
  assert.equal(Buffer.from(asset!.body).toString(), 'b {}')
  assert.equal(asset?.cacheControl, 'no-store')
})

test('an asset under its plain name is kept for a minute and can be asked for again by its tag', () => {
  const asset = assetsWith('a {}').find('shop.css')
  assert.equal(asset?.cacheControl, 'public, max-age=60')
  assert.match(asset?.etag ?? '', /^"[0-9a-f]{12}"$/)
})

test('nothing but the files of the folder can be asked for', () => {
  const assets = assetsWith('a {}')
  for (const name of ['', '.', '..', '../assets.ts', 'shop', 'shop.css/', 'constructor']) {
    assert.equal(assets.find(name), undefined, name)
  }
  assert.throws(() => assets.url('missing.css'), /no asset "missing.css"/)
})
