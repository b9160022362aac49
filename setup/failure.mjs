/** A set-up that cannot continue, with its cause and a remedy. */
export class SetupFailure extends Error {
  /**
   * @param {string} message
   * @param {string} [remedy] may have several lines; commands are indented by four spaces
   */
  constructor(message, remedy) {
    super(message)
    this.remedy = remedy
  }
}

/** A failed command, with its output. */
export class CommandFailure extends Error {
  /** @param {{ command: string, ending: string, lines: string[] }} details */
  constructor({ command, ending, lines }) {
    super([command, ...[...lines, `(${ending})`].map((line) => `    | ${line}`)].join('\n'))
  }
}
