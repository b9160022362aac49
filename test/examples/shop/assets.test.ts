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

test('the URL of an asset changes with its content, and only that URL is cached forever', () => {
  const before = assetsWith('a {}')
  const now = assetsWith('b {}')
  assert.match(now.url('shop.css'), /^\/assets\/shop\.[0-9a-f]{12}\.css$/)
  assert.notEqual(now.url('shop.css'), before.url('shop.css'))
  assert.equal(now.find(nameOf(now.url('shop.css')))?.cacheControl, 'public, max-age=31536000, immutable')
})

test('the URL of another release gets the current content, uncached', () => {
  const before = assetsWith('a {}')
  const now = assetsWith('b {}')
  const asset = now.find(nameOf(before.url('shop.css')))
  assert.equal(Buffer.from(asset!.body).toString(), 'b {}')
  assert.equal(asset?.cacheControl, 'no-store')
})

test('an asset under its plain name is cached for a minute and can be revalidated', () => {
  const asset = assetsWith('a {}').find('shop.css')
  assert.equal(asset?.cacheControl, 'public, max-age=60')
  assert.match(asset?.etag ?? '', /^"[0-9a-f]{12}"$/)
})

test('only files of the folder can be requested', () => {
  const assets = assetsWith('a {}')
  for (const name of ['', '.', '..', '../assets.ts', 'shop', 'shop.css/', 'constructor']) {
    assert.equal(assets.find(name), undefined, name)
  }
  assert.throws(() => assets.url('missing.css'), /no asset "missing.css"/)
})
