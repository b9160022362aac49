export type Location = { lat: number; lon: number }

const earthRadiusKm = 6371.0088
const radians = Math.PI / 180

/** Great-circle distance (haversine, mean earth radius); locations are in degrees. */
export function distanceKm(a: Location, b: Location): number {
  const dLat = (b.lat - a.lat) * radians
  const dLon = (b.lon - a.lon) * radians
  const h =
    Math.sin(dLat / 2) ** 2 + Math.cos(a.lat * radians) * Math.cos(b.lat * radians) * Math.sin(dLon / 2) ** 2
  return 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(h)))
}
