import { stripVTControlCharacters } from 'node:util'

/** A block of lines at the bottom of a terminal that is drawn anew in place. */
export type Live = {
  draw(lines: readonly string[]): void
  /** A line that stays, above the block. */
  say(line: string): void
  /** Leaves the last drawing where it is; `clear` takes it away first. */
  end(how?: 'keep' | 'clear'): void
}

export type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'write' | 'columns' | 'rows' | 'on' | 'off'>

const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'

/**
 * Lines are cut to the terminal's width and the block to its height: a line that wraps could not be taken back. One
 * write for each change, so that nothing flickers; nothing is written when nothing has changed.
 */
export function createLive(terminal: Terminal): Live {
  let lines: string[] = []
  let drawn = ''
  let ended = false
  const restore = () => void terminal.write(showCursor)
  process.once('exit', restore)

  const columns = () => Math.max(20, terminal.columns || 80)
  /** The terminal may have become narrower since: what was one row may be two now. */
  const rowsOf = (text: string) => Math.max(1, Math.ceil(stripVTControlCharacters(text).length / columns()))
  const back = () => {
    const rows = lines.reduce((sum, line) => sum + rowsOf(line), 0)
    return `${rows > 0 ? `\u001b[${rows}A` : ''}\r\u001b[J`
  }
  const put = (above: string) => {
    const text = lines.length > 0 ? `${lines.join('\n')}\n` : ''
    terminal.write(`${hideCursor}${above}${text}`)
    drawn = text
  }
  const redraw = () => {
    if (ended) return
    const before = back()
    lines = lines.map((line) => cut(line, columns() - 1))
    put(before)
  }
  terminal.on('resize', redraw)

  return {
    draw(next) {
      if (ended) return
      const shown = next
        .slice(0, Math.max(1, (terminal.rows || 24) - 1))
        .map((line) => cut(line, columns() - 1))
      if (`${shown.join('\n')}\n` === drawn) return
      const before = back()
      lines = shown
      put(before)
    },
    say(line) {
      if (ended) return void terminal.write(`${line}\n`)
      put(`${back()}${line}\n`)
    },
    end(how = 'keep') {
      if (ended) return
      if (how === 'clear') terminal.write(back())
      ended = true
      terminal.off('resize', redraw)
      process.off('exit', restore)
      restore()
    },
  }
}

/** At most `width` characters of text, with its colours ended; `…` says that something is missing. */
export function cut(text: string, width: number): string {
  if ([...stripVTControlCharacters(text)].length <= width) return text
  let room = width - 1
  let out = ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour sequences are what is looked for
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b')) {
      out += part
      continue
    }
    const kept = [...part].slice(0, room)
    out += kept.join('')
    room -= kept.length
    if (room === 0) break
  }
  return `${out}${text.includes('\u001b[') ? '\u001b[0m' : ''}…`
}
