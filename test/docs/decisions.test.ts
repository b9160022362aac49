import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pages } from './pages.ts'

const folder = 'docs/decisions/'
const decisions = [...pages].filter(([file]) => /^docs\/decisions\/\d{4}-/.test(file))

type Row = { number: string; link: string; title: string; date: string; status: string }

/** Title and state as the decision itself has them. */
function rowOf(file: string, text: string): Row {
  const name = file.slice(folder.length)
  const [, number = '', title = ''] = /^# (\d+)\. (.+)\n/.exec(text) ?? []
  const [, status = '', date = ''] =
    /^\n(Accepted|Superseded by \[\d+\]\(\d{4}-[\w-]+\.md\)), (\d{4}-\d\d-\d\d)\.$/m.exec(text) ?? []
  assert.ok(Number(number) === Number(name.slice(0, 4)) && title !== '', `${file}: its title has its number`)
  assert.ok(status !== '' && date !== '', `${file}: below the title it says “Accepted, 2026-11-23.”`)
  return { number, link: name, title, date, status }
}

test('the index lists every decision with its title, date and status', () => {
  const index = pages.get(`${folder}README.md`) ?? ''
  const rows = [...index.matchAll(/^\| (\d+) \| \[(.+)\]\((\S+)\) \| (\S+) \| (.+) \|$/gm)].map(
    ([, number, title, link, date, status]) => ({ number, link, title, date, status }),
  )
  assert.ok(rows.length > 15)
  assert.deepEqual(
    rows,
    decisions.map(([file, text]) => rowOf(file, text)),
  )
})
