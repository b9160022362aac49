import { describeRelease } from '../../agent/release/state.ts'
import type { ProcessStatus } from '../../agent/supervision/supervised-process.ts'
import { duration } from '../../lib/format.ts'
import type { Sample } from '../../world/start.ts'
import type { Output } from '../output.ts'

type Progress = {
  show(samples: readonly Sample[]): void
  /** Takes a drawing away: what comes next is the answer or an error. */
  end(): void
}

type ProgressOptions = {
  /** `Starting shop` */
  title: string
  /** What is waited for once every process is ready; undefined when nothing is. */
  rest?: (samples: readonly Sample[]) => string | undefined
}

/** On a terminal a block with a line for each region, redrawn; elsewhere a line when a region gets further. */
export function createProgress(output: Output, options: ProgressOptions): Progress {
  const startedAt = performance.now()
  const live = output.live()
  if (!live) return plainProgress(output, options)
  return {
    show(samples) {
      const seconds = (performance.now() - startedAt) / 1000
      live.draw(progressLines(samples, seconds, options, output.paintNote))
    },
    end: () => live.end('clear'),
  }
}

/** Pure: the block. */
export function progressLines(
  samples: readonly Sample[],
  seconds: number,
  { title, rest }: ProgressOptions,
  paint: Output['paint'],
): string[] {
  const width = Math.max(...samples.map(({ region }) => region.name.length))
  const slots = Math.max(1, ...samples.map(({ status }) => status?.processes.length ?? 0))
  const rows = samples.map((look) => {
    const processes = look.status?.processes ?? []
    const dots = processes.map((one) => dot(one, paint)).join('') + ' '.repeat(slots - processes.length)
    return `  ${look.region.name.padEnd(width)}  ${dots}  ${wordsOf(look)}`
  })
  const waits = samples.every(({ status }) => status?.ready) ? rest?.(samples) : undefined
  return [
    `${paint('bold', title)}  ${duration(seconds)}`,
    ...rows,
    ...(waits ? [`  ${' '.repeat(width)}  ${waits}`] : []),
  ]
}

function dot({ state }: ProcessStatus, paint: Output['paint']): string {
  if (state === 'ready') return paint('green', '●')
  if (state === 'starting' || state === 'stopping') return paint('yellow', '●')
  return state === 'waiting' || state === 'stopped' ? paint('dim', '○') : paint('red', '●')
}

/** What a region is at, in a few words. Pure. */
export function wordsOf({ status, region, edge }: Sample): string {
  if (!status) return 'its agent starts'
  const { processes, ready } = status
  if (ready) return region.serves && edge === false ? 'its edge finds the app' : 'ready'
  const said = (state: ProcessStatus['state'], verb: string) => {
    const some = processes.filter((one) => one.state === state)
    if (some.length === 0) return []
    const whys = [...new Set(some.flatMap((one) => one.why ?? []))]
    const reason = state !== 'waiting' && whys.length === 1 ? ` (${whys[0]})` : ''
    return [`${verb} ${some.map((one) => one.name).join(', ')}${reason}`]
  }
  const moving = [
    ...said('gaveUp', 'given up:'),
    ...said('failing', 'not answering:'),
    ...said('outdated', 'with its old files:'),
    ...said('backoff', 'trying again:'),
    ...said('stopping', 'stopping'),
    ...said('starting', 'starting'),
  ]
  const waiting = processes.find((one) => one.state === 'waiting')
  const words =
    moving.length > 0 ? moving : waiting ? [`${waiting.name} waits ${waiting.why ?? ''}`.trim()] : []
  const release = status.world?.release
  const { state, missingWal } = status.database ?? {}
  const copied =
    state === 'creating replica'
      ? ['its database is copied from the primary']
      : missingWal !== undefined
        ? ['the primary has no more the WAL that its database needs: it is copied anew']
        : []
  return [
    ...words,
    ...copied,
    ...(release?.kind === 'running' ? [`app.release ${describeRelease(release)}`] : []),
  ].join('; ')
}

function plainProgress(output: Output, { rest }: ProgressOptions): Progress {
  const said = new Map<string, string>()
  const say = (key: string, text: string) => {
    if (said.get(key) === text) return
    said.set(key, text)
    output.note(text)
  }
  return {
    show(samples) {
      // All there at the first look: nothing has been waited for, and there is nothing to tell.
      if (said.size === 0 && samples.every(({ status }) => status?.ready)) return
      for (const look of samples) {
        const processes = look.status?.processes ?? []
        const ready = processes.filter((one) => one.state === 'ready').length
        // One line for each step forward, and for each misfortune; not for every word that changes meanwhile.
        const trouble = processes.filter((one) => one.state !== 'ready' && one.restarts > 0)
        const often = (restarts: number) => Math.floor(Math.log2(restarts))
        const key = `${ready} of ${processes.length} ${trouble.map((one) => `${one.name} ${often(one.restarts)}`).join()}`
        if (said.get(`${look.region.name} key`) === key) continue
        said.set(`${look.region.name} key`, key)
        const count = look.status ? `${ready} of ${processes.length} ready` : ''
        const words = wordsOf(look)
        output.note(
          `${look.region.name}: ${[count, words === 'ready' ? '' : words].filter(Boolean).join(', ')}`,
        )
      }
      const waits = samples.every(({ status }) => status?.ready) ? rest?.(samples) : undefined
      if (waits) say('rest', waits)
    },
    end: () => undefined,
  }
}
