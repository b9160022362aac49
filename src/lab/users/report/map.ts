import type { UsersResult } from '../result.ts'
import { type Markup, markup } from './markup.ts'
import { ms, whole } from './words.ts'

const width = 760
const margin = 26
/** Degrees of margin around the outermost places. */
const around = 2

/** A map of users' places and the regions they were sent to. The size of a dot shows its number of requests. */
export function placesMap({ places, regions }: UsersResult): Markup {
  const points = [...places, ...regions].map(({ location }) => location)
  const lats = points.map(({ lat }) => lat)
  const lons = points.map(({ lon }) => lon)
  const [south, north] = [Math.min(...lats) - around, Math.max(...lats) + around]
  const [west, east] = [Math.min(...lons) - around, Math.max(...lons) + around]
  // A degree of longitude is shorter the farther it is from the equator.
  const squeeze = Math.max(0.3, Math.cos((((north + south) / 2) * Math.PI) / 180))
  const perDegree = Math.min((width - 2 * margin) / ((east - west) * squeeze), 460 / (north - south))
  const height = (north - south) * perDegree + 2 * margin
  const middle = (width - (east - west) * squeeze * perDegree) / 2
  const x = (lon: number) => middle + (lon - west) * squeeze * perDegree
  const y = (lat: number) => margin + (north - lat) * perDegree
  const most = Math.max(1, ...places.map(({ requests }) => requests))
  const regionNames = regions.map(({ name }) => name).sort()
  const dots = places.map(({ name, location, requests, latency, edges, failed }) => {
    const [first] = edges
    const color = first ? `f${regionNames.indexOf(first.name) % 6}` : 'none'
    const radius = 1.6 + 11 * Math.sqrt(requests / most)
    const sent = edges.map((edge) => `${edge.name} ${whole(edge.requests)}`).join(', ')
    return markup`<circle class="dot ${color}" cx="${x(location.lon)}" cy="${y(location.lat)}" r="${radius}"><title>${name}: ${whole(requests)} requests, p50 ${ms(latency.p50)}, p95 ${ms(latency.p95)}${failed > 0 ? `, ${whole(failed)} failed` : ''}; sent to ${sent || 'none'}</title></circle>`
  })
  const marks = regions.map(({ name, location }) => {
    const [cx, cy] = [x(location.lon), y(location.lat)]
    const anchor = cx > width * 0.75 ? 'end' : 'start'
    return markup`<path class="region f${regionNames.indexOf(name) % 6}" d="M${cx} ${cy - 9}l9 9l-9 9l-9 -9z"/><text class="region-name" x="${cx + (anchor === 'end' ? -13 : 13)}" y="${cy + 5}" text-anchor="${anchor}">${name}</text>`
  })
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Map of the users’ places, by the region they were sent to">
${dots}${marks}
</svg>`
}
