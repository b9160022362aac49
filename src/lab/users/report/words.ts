/** Number formats of the page. Pure. */

export const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

export function percent(share: number): string {
  const text = (share * 100).toFixed(1)
  return `${text === '100.0' && share < 1 ? '99.9' : text.replace(/\.0$/, '')} %`
}

export function ms(value: number): string {
  if (value >= 9950) return `${Math.round(value / 1000)} s`
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`
  return value < 9.95 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`
}

export function seconds(value: number): string {
  if (value < 120) return `${Math.round(value * 10) / 10} s`
  return `${Math.round(value / 6) / 10} min`
}
