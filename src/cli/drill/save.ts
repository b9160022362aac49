import { writeFile } from 'node:fs/promises'
import { reportHtml } from '../../lab/drill/html.ts'
import type { DrillResult } from '../../lab/drill/types.ts'
import { saveHistory } from '../../lab/history-file.ts'
import { messageOf } from '../../lib/errors.ts'
import { version } from '../../lib/version.ts'
import { type Output, shownPath } from '../output.ts'

/** Files that were asked for. False when one could not be written, which is said: what was measured must not be lost. */
export async function saveResult(
  result: DrillResult,
  { report, history }: { report?: string; history?: string },
  output: Pick<Output, 'note'>,
): Promise<boolean> {
  let written = true
  const write = async (file: string, work: () => Promise<void>) => {
    try {
      await work()
      output.note(`written: ${shownPath(file)}`)
    } catch (error) {
      output.note(`${file}: could not be written: ${messageOf(error)}`)
      written = false
    }
  }
  if (report) await write(report, () => writeFile(report, reportHtml(result, version), { mode: 0o600 }))
  if (history)
    await write(history, () => saveHistory(history, { history: result.history, final: result.final }))
  return written
}
