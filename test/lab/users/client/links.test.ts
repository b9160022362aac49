import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assetsIn, linksIn } from '../../../../src/lab/users/client/links.ts'

test('finds links and assets of this site, each once', () => {
  const html = `<a class="x" href="/products/1">a</a><a href='/products/1'>b</a><a href="/?q=a&amp;page=2#top">c</a>
    <a href="//other/x">d</a><a href="https://other/">e</a><a name="/no">f</a><area href="/no">
    <link rel="stylesheet" href="/a.css"><link href="/f.svg" rel="icon"><link rel="canonical" href="/no">
    <script type="module" src="/a.js"></script><img src="/a.css" alt=""><script>"/no"</script>`
  const page = Buffer.from(html)
  assert.deepEqual(linksIn(page, '/products/'), ['/products/1'])
  assert.deepEqual(linksIn(page, '/?'), ['/?q=a&page=2'])
  assert.deepEqual(linksIn(page, '/nothing'), [])
  assert.ok(!linksIn(page, '/').some((path) => path.startsWith('//')))
  assert.equal(linksIn(Buffer.from(`${'<a href="/x/1">'.repeat(3)}<a href="/x/2">`), '/x/', 1).length, 1)
  assert.deepEqual(assetsIn(html), ['/a.css', '/f.svg', '/a.js'])
})
