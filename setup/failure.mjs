/** A set-up that cannot go on: what is wrong and what the reader can do about it. */
export class SetupFailure extends Error {
  /**
   * @param {string} message
   * @param {string} [remedy] may have several lines; commands to type are indented by four spaces
   */
  constructor(message, remedy) {
    super(message)
    this.remedy = remedy
  }
}

/** A command that ended badly, with the end of what it printed. */
export class CommandFailure extends Error {
  /** @param {{ command: string, ending: string, lastLines: string[] }} details */
  constructor({ command, ending, lastLines }) {
    super(`${command}\n${[...lastLines, `(${ending})`].map((line) => `    ${line}`).join('\n')}`)
    this.lastLines = lastLines
  }
}
