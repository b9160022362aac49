import type { Location } from './distance.ts'

/** GeoNames' countries by continent; countries that are not listed are in Asia. */
const continents: Record<string, string> = {
  Africa:
    'AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE ' +
    'NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW',
  Europe:
    'AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT ' +
    'NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK',
  'North America':
    'AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX TC TT ' +
    'US VC VG VI',
  'South America': 'AR BO BR CL CO EC FK GF GY PE PY SR UY VE',
  Oceania: 'AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS',
}

const continentOfCountry = new Map(
  Object.entries(continents).flatMap(([continent, countries]) =>
    countries.split(' ').map((country) => [country, continent] as const),
  ),
)

/** Russia east of it counts as Asia. */
const uralsLon = 60

export function continentOf({ country, location }: { country: string; location: Location }): string {
  if (country === 'RU' && (location.lon > uralsLon || location.lon < 0)) return 'Asia'
  return continentOfCountry.get(country) ?? 'Asia'
}

/**
 * The area that a place is reported under: its continent, or within the United States its coast. US East ends with the
 * Eastern time zone (87° W, Indiana in and Chicago out), US West begins at the Rocky Mountains (104° W, with Denver).
 * Areas do not depend on the topology's regions, so topologies can be compared.
 */
export function areaOf(place: { country: string; location: Location }): string {
  if (place.country !== 'US') return continentOf(place)
  const { lon } = place.location
  // Positive longitudes: Guam and the westernmost Aleutians lie beyond the date line.
  if (lon < -104 || lon > 0) return 'US West'
  return lon > -87 ? 'US East' : 'US Central'
}
