// The pages work without this script: it only fills the ticker at the bottom.
const ticker = document.querySelector('[data-ticker]')
let source

function listen() {
  source = new EventSource('/events')
  source.addEventListener('news', ({ data }) => {
    const { region, newest } = JSON.parse(data)
    if (!newest) return
    ticker.textContent = `Seen from ${region}: last order ${ago(newest.placedAt)}, ${newest.name}`
    ticker.hidden = false
  })
}

function ago(placedAt) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(placedAt)) / 1000))
  const units = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ]
  const [size, unit] = units.find(([size]) => seconds >= size) ?? units.at(-1)
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-Math.floor(seconds / size), unit)
}

// A page in the background needs no news, and browsers allow few connections.
document.addEventListener('visibilitychange', () => (document.hidden ? source?.close() : listen()))
addEventListener('pagehide', () => source?.close())
if (!document.hidden) listen()
