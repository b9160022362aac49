import { stripVTControlCharacters } from 'node:util'

/** A block of lines at the bottom of a terminal, redrawn in place. */
export type Live = {
  draw(lines: readonly string[]): void
  /** Prints a permanent line above the block. */
  say(line: string): void
  /** Keeps the last drawing, or erases it with `clear`. */
  end(how?: 'keep' | 'clear'): void
}

export type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'write' | 'columns' | 'rows' | 'on' | 'off'>

const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'

/**
 * Cuts lines to the width and the block to the height of the terminal, because a wrapped line could not be erased. Each
 * change is a single write, so that nothing flickers; an unchanged block writes nothing.
 */
export function createLive(terminal: Terminal): Live {
  let lines: string[] = []
  let drawn = ''
  let ended = false
  const restore = () => void terminal.write(showCursor)
  process.once('exit', restore)

  const columns = () => Math.max(20, terminal.columns || 80)
  /** The terminal may be narrower now, so that one row has become two. */
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

/** Truncates to `width` visible characters with a final `…`, and resets colours. */
export function cut(text: string, width: number): string {
  if ([...stripVTControlCharacters(text)].length <= width) return text
  let room = width - 1
  let out = ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches colour sequences
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
