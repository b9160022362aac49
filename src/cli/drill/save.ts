import { reportHtml } from '../../lab/drill/html.ts'
import type { DrillResult } from '../../lab/drill/types.ts'
import { saveHistory } from '../../lab/history-file.ts'
import { messageOf } from '../../lib/errors.ts'
import { openPrivately } from '../../lib/files.ts'
import { shownPath } from '../../lib/format.ts'
import { version } from '../../lib/version.ts'
import type { Output } from '../output.ts'
import { writable } from '../writable.ts'

type Files = { report?: string; history?: string }

/** Checks before a drill starts: it takes minutes, and its results cannot be reproduced exactly. */
export async function mustBeWritable({ report, history }: Files): Promise<void> {
  if (report !== undefined) await writable('--report', report, { notThroughLinks: true })
  if (history !== undefined) await writable('--history', history, { notThroughLinks: true })
}

/** Writes the requested files. Returns false, after a note, if one fails; the results must not be lost. */
export async function saveResult(
  result: DrillResult,
  { report, history }: Files,
  output: Pick<Output, 'note'>,
): Promise<boolean> {
  let written = true
  const write = async (file: string, work: () => Promise<void>) => {
    try {
      await work()
      output.note(`wrote ${shownPath(file)}`)
    } catch (error) {
      output.note(`${file}: could not write: ${messageOf(error)}`)
      output.note(
        '  free disk space or make the folder writable; --json prints the result without operations',
      )
      written = false
    }
  }
  if (report) await write(report, () => writeReport(report, reportHtml(result, version)))
  if (history)
    await write(history, () => saveHistory(history, { history: result.history, final: result.final }))
  return written
}

async function writeReport(path: string, page: string): Promise<void> {
  const file = await openPrivately(path)
  await file.writeFile(page).finally(() => file.close())
}
