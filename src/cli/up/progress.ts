import { describeRelease } from '../../agent/release/state.ts'
import type { ProcessStatus } from '../../agent/supervision/supervised-process.ts'
import { duration } from '../../lib/format.ts'
import { majorityWords } from '../../world/majority.ts'
import type { Sample } from '../../world/start.ts'
import type { Output } from '../output.ts'

type Progress = {
  show(samples: readonly Sample[]): void
  /** Erases the drawing, to make room for the result or an error. */
  end(): void
}

type ProgressOptions = {
  /** `Starting shop` */
  title: string
  /** The condition still awaited once every process is ready; undefined when none is. */
  rest?: (samples: readonly Sample[]) => string | undefined
}

/** On a terminal, a redrawn block with one line per region; elsewhere a line whenever a region advances. */
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

/** Renders the block. Pure. */
export function progressLines(
  samples: readonly Sample[],
  seconds: number,
  { title, rest }: ProgressOptions,
  paint: Output['paint'],
): string[] {
  const width = Math.max(...samples.map(({ region }) => region.name.length))
  const slots = Math.max(1, ...samples.map(({ status }) => status?.processes.length ?? 0))
  const rows = samples.map((sample) => {
    const processes = sample.status?.processes ?? []
    const dots = processes.map((one) => dot(one, paint)).join('') + ' '.repeat(slots - processes.length)
    return `  ${sample.region.name.padEnd(width)}  ${dots}  ${wordsOf(sample)}`
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

/** A region's progress in a few words. Pure. */
export function wordsOf({ status, region, edge, majority }: Sample): string {
  if (!status) return 'starting the agent'
  if (majority) return majorityWords(majority)
  const { processes, ready } = status
  if (ready) return region.serves && edge === false ? 'waiting for its edge to find the app' : 'ready'
  const said = (state: ProcessStatus['state'], verb: string) => {
    const some = processes.filter((one) => one.state === state)
    if (some.length === 0) return []
    const whys = [...new Set(some.flatMap((one) => one.why ?? []))]
    const reason = state !== 'waiting' && whys.length === 1 ? ` (${whys[0]})` : ''
    return [`${verb} ${some.map((one) => one.name).join(', ')}${reason}`]
  }
  const moving = [
    ...said('gaveUp', 'failing:'),
    ...said('failing', 'not answering:'),
    ...said('outdated', 'with its old files:'),
    ...said('backoff', 'restarting:'),
    ...said('stopping', 'stopping'),
    ...said('starting', 'starting'),
  ]
  const waiting = processes.find((one) => one.state === 'waiting')
  const words =
    moving.length > 0 ? moving : waiting ? [`${waiting.name} is waiting ${waiting.why ?? ''}`.trim()] : []
  const release = status.world?.release
  const { state, missingWal } = status.database ?? {}
  const copied =
    state === 'creating replica'
      ? ['copying the database from the primary']
      : missingWal !== undefined
        ? ['the primary no longer has the WAL that its database needs: waiting for replica reinit']
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
      // All ready in the first sample: nothing was awaited, so there is nothing to show.
      if (said.size === 0 && samples.every(({ status }) => status?.ready)) return
      for (const sample of samples) {
        const processes = sample.status?.processes ?? []
        const ready = processes.filter((one) => one.state === 'ready').length
        // One line per step forward and per failure, not for every change of the text.
        const trouble = processes.filter((one) => one.state !== 'ready' && one.restarts > 0)
        const often = (restarts: number) => Math.floor(Math.log2(restarts))
        const key = `${ready} of ${processes.length} ${trouble.map((one) => `${one.name} ${often(one.restarts)}`).join()}`
        if (said.get(`${sample.region.name} key`) === key) continue
        said.set(`${sample.region.name} key`, key)
        const count = sample.status ? `${ready} of ${processes.length} ready` : ''
        const words = wordsOf(sample)
        output.note(
          `${sample.region.name}: ${[count, words === 'ready' ? '' : words].filter(Boolean).join(', ')}`,
        )
      }
      const waits = samples.every(({ status }) => status?.ready) ? rest?.(samples) : undefined
      if (waits) say('rest', waits)
    },
    end: () => undefined,
  }
}
