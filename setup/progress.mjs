/**
 * Shows the progress of the set-up on standard error, because standard output belongs to the command that follows. On a
 * terminal, the current step is one line that is redrawn; elsewhere each step prints a line when it starts and one when
 * it is done, so that logs stay readable.
 */

/** How often the terminal line is redrawn, to show that the step is in progress. */
const REDRAW_MS = 200

/** @typedef {{ write: (text: string) => unknown, isTTY?: boolean, columns?: number }} Output */

export class Progress {
  /** @param {Output} output @param {() => number} now in milliseconds */
  constructor(output = process.stderr, now = Date.now) {
    this.output = output
    this.now = now
    /** @type {{ title: string, startedAt: number, detail: string, timer?: NodeJS.Timeout } | undefined} */
    this.step = undefined
  }

  /** @param {string} title what is being installed @param {string} [expectation] how long it usually takes */
  begin(title, expectation) {
    this.step = { title, startedAt: this.now(), detail: expectation ?? '' }
    if (this.output.isTTY) {
      this.step.timer = setInterval(() => this.draw(), REDRAW_MS)
      this.step.timer.unref()
      this.draw()
    } else {
      this.line(`${title} ...${expectation ? ` (${expectation})` : ''}`)
    }
  }

  /** @param {string} text */
  detail(text) {
    if (this.step) this.step.detail = text
  }

  done() {
    const step = this.clear()
    if (step) this.line(`${step.title}: done in ${this.seconds(step)} s`)
  }

  /** @returns {string | undefined} the step that failed */
  failed() {
    const step = this.clear()
    if (step) this.line(`${step.title}: failed after ${this.seconds(step)} s`)
    return step?.title
  }

  /** @param {string} text */
  line(text) {
    this.output.write(`nearside set-up: ${text}\n`)
  }

  draw() {
    if (!this.step) return
    const { title, detail } = this.step
    const text = `nearside set-up: ${title}, ${this.seconds(this.step)} s${detail ? ` - ${detail}` : ''}`
    this.output.write(`\r\x1b[K${text.slice(0, (this.output.columns ?? 80) - 1)}`)
  }

  clear() {
    const step = this.step
    if (step?.timer) clearInterval(step.timer)
    if (step && this.output.isTTY) this.output.write('\r\x1b[K')
    this.step = undefined
    return step
  }

  /** @param {{ startedAt: number }} step */
  seconds(step) {
    return Math.round((this.now() - step.startedAt) / 1000)
  }
}
