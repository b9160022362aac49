const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' })

export const money = (cents: number): string => dollars.format(cents / 100)

const dateAndTime = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
})

export const moment = (iso: string): string => `${dateAndTime.format(new Date(iso))} UTC`
