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

/** A command that ended badly, with what it printed. */
export class CommandFailure extends Error {
  /** @param {{ command: string, ending: string, lines: string[] }} details */
  constructor({ command, ending, lines }) {
    super([command, ...[...lines, `(${ending})`].map((line) => `    | ${line}`)].join('\n'))
  }
}
