/** What people type for times and rates. Undefined: not understood. */

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }

/** `60s`, `500ms`, `1.5 min`, `2h`, in ms. A number needs its unit. */
export function duration(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?(ms|s|m|min|h)$/.exec(text.trim()) ?? []
  return number === undefined ? undefined : Number(number) * unitMs[unit!]!
}

/** `200/s`, `90/min`, or a number per second, in 1/s. */
export function ratePerSecond(text: string): number | undefined {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(?: ?\/ ?(s|m|min|h))?$/.exec(text.trim()) ?? []
  return number === undefined ? undefined : (Number(number) * 1000) / unitMs[unit]!
}
