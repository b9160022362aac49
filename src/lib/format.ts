import { relative } from 'node:path'

/** Numbers, lists and paths formatted for people. Pure. */

/** `0.4 s`, `42 s`, `3 min 12 s`, `2 h 5 min`, `4 d 3 h`: never more than two units. */
export function duration(seconds: number): string {
  const s = Math.max(0, seconds)
  if (s < 9.95) return `${s.toFixed(1)} s`
  if (s < 59.5) return `${Math.round(s)} s`
  const two = (large: number, largeUnit: string, small: number, smallUnit: string) =>
    small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
  const whole = Math.round(s)
  if (whole < 3600) return two(Math.floor(whole / 60), 'min', whole % 60, 's')
  if (whole < 86_400) return two(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min')
  return two(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3600), 'h')
}

/** `0.2 ms`, `12 ms`; one second or more as a duration. */
export function milliseconds(ms: number): string {
  if (ms >= 1000) return duration(ms / 1000)
  return ms < 9.95 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}

/** A configured time: `250 ms`, `1.5 s`, `2 min`. Use `duration` for measured ones. */
export function describeMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms % 60_000 === 0) return `${ms / 60_000} min`
  return `${Number((ms / 1000).toFixed(1))} s`
}

/** `1 %`, `0.25 %`: three significant digits. */
export const shareText = (share: number) => `${Number((share * 100).toPrecision(3))} %`

/** `512 kbit/s`, `100 Mbit/s`: units of 1,000, three significant digits. */
export function bitsText(bits: number): string {
  const [unit, size] = bits >= 1e9 ? ['Gbit/s', 1e9] : bits >= 1e6 ? ['Mbit/s', 1e6] : ['kbit/s', 1e3]
  return `${Number((bits / (size as number)).toPrecision(3))} ${unit}`
}

/** Units of 1,024, as in the topology file. */
export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `0`, `0.4`, `12`, `3,400`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0'
  return perSecond < 9.95 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en-US')
}

/** Local time of day, with the date unless it is today. */
export function clock(at: number, now = Date.now(), milliseconds = false): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const date = new Date(at)
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  const exact = milliseconds ? `${time}.${String(date.getMilliseconds()).padStart(3, '0')}` : time
  const day = (one: Date) => `${one.getFullYear()}-${two(one.getMonth() + 1)}-${two(one.getDate())}`
  return day(date) === day(new Date(now)) ? exact : `${day(date)} ${exact}`
}

export const count = (number: number, noun: string, plural = `${noun}s`) =>
  `${number} ${number === 1 ? noun : plural}`

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[], last = 'and'): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}

/** The shortest way to write a path from here. */
export function shownPath(file: string, from = process.cwd()): string {
  const short = relative(from, file)
  return short !== '' && short.length < file.length && !short.startsWith('../../') ? short : file
}
