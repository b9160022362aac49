import type { SteeringRegion } from '../../src/steering/table.ts'

const at = (name: string, lat: number, lon: number): SteeringRegion => ({ name, location: { lat, lon } })

const us = [at('us-east', 39.04, -77.49), at('us-west', 45.84, -119.7)]
const four = [...us, at('europe', 50.11, 8.68), at('singapore', 1.35, 103.82)]

/** The worlds that the decisions quote. With a country, only its networks are judged. */
export const worlds: Record<string, { regions: SteeringRegion[]; country?: string }> = {
  us: { regions: us, country: 'US' },
  four: { regions: four },
  twelve: {
    regions: [
      ...four,
      at('us-central', 41.26, -95.86),
      at('ireland', 53.35, -6.26),
      at('sweden', 59.33, 18.06),
      at('tokyo', 35.68, 139.69),
      at('mumbai', 19.08, 72.88),
      at('sydney', -33.87, 151.21),
      at('sao-paulo', -23.55, -46.63),
      at('cape-town', -33.92, 18.42),
    ],
  },
}
