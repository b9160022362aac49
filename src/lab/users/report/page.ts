import type { Part, UsersResult } from '../result.ts'
import { curvesChart } from './curves.ts'
import { distributionChart } from './distribution.ts'
import { placesMap } from './map.ts'
import { type Markup, markup } from './markup.ts'
import { style } from './style.ts'
import { timelineChart } from './timeline.ts'
import { ms, percent, seconds, whole } from './words.ts'

const placesShown = 25

/** A run as one self-contained HTML file without scripts, for light and dark mode. Pure. */
export function usersPage(result: UsersResult): string {
  const { world, asked } = result
  return `${markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${world}: simulated users</title>
<style>${style}</style>
</head>
<body>
<header>
<p class="product">Nearside · simulated users</p>
<h1>Users of ${world}</h1>
<p class="asked">${askedText(result)}</p>
</header>
<main>
${result.all.requests === 0 ? markup`<section class="verdict bad"><div><p class="headline">No request was answered.</p></div></section>` : body(result)}
</main>
<footer>${footer(result)}<p>${asked.mix} · ${whole(asked.ratePerSecond)}/s · ${asked.places} · seed ${String(asked.seed)} · ${result.startedAt}</p></footer>
</body>
</html>
`}`
}

function askedText({ asked, users, places, ranMs, stopped, distances }: UsersResult): string {
  const where = distances
    ? 'with the latency of their cities'
    : 'on the same machine, without network latency'
  const time = `${stopped ? 'stopped after ' : ''}${seconds(ranMs / 1000)}`
  return `${whole(users)} users in ${whole(places.length)} ${places.length === 1 ? 'place' : 'places'} (${asked.places}), ${where}; mix ${asked.mix}, ${whole(asked.ratePerSecond)} requests per second, ${time}.`
}

function body(result: UsersResult): Markup {
  const { slo, all, regions, errors, served, kinds, places, areas, warm, cold } = result
  const regionNames = regions.map(({ name }) => name).sort()
  const legend = regionNames.map(
    (name, i) => markup`<span class="key"><i class="b${i % 6}"></i>sent to ${name}</span>`,
  )
  return markup`
<section class="verdict ${slo.met ? 'good' : 'bad'}">
<p class="number">${percent(slo.fastShare)}</p>
<div>
<p class="headline">${slo.met ? 'SLO met' : 'SLO missed'}, target ${percent(slo.share)} within ${ms(slo.latencyMs)}</p>
<p>${percent(slo.fastShare)} of ${whole(all.requests)} requests succeeded within ${ms(slo.latencyMs)}, measured from the due time to the end of the answer, including DNS and connecting.${cold.requests > 0 && warm.requests > 0 ? ` On open connections, ${percent(slo.warmFastShare)} did.` : ''} ${percent(slo.usersFastShare)} of users got at least half of their answers within that time.</p>
</div>
</section>
${result.effort.limit ? markup`<p class="warning"><b>The load generator limited this measurement</b>: ${result.effort.limit}. Use a lower rate.</p>` : undefined}
<dl class="tiles">
${tile('median', ms(all.latency.p50))}${tile('95th percentile', ms(all.latency.p95))}${tile('99th percentile', ms(all.latency.p99))}${tile('slowest', ms(all.latency.max))}${tile('failed', all.failed === 0 ? 'none' : whole(all.failed), all.failed > 0 ? 'bad' : '')}
</dl>
<section><h2>Latency by area</h2>
<div class="legend"><span class="key"><i class="fast"></i>within the SLO’s ${ms(slo.latencyMs)}</span><span class="key"><i class="slow"></i>slower</span></div>
<figure>${distributionChart(result)}</figure></section>
<section><h2>Cumulative distribution of latencies</h2>
<p class="note">The SLO is met for an area whose curve passes above the dot.${all.failed > 0 ? ' A curve that ends below 100 % excludes failed requests.' : ''}</p>
<figure>${curvesChart(result)}</figure></section>
<section><h2>Steering</h2>
<div class="legend">${legend}</div>
<figure>${placesMap(result)}</figure>
${table(
  ['users in', 'sent to', 'answered by', 'requests', 'share'],
  served
    .slice(0, 20)
    .map((way) => [
      way.area,
      way.edge,
      way.servedBy,
      whole(way.requests),
      percent(way.requests / all.requests),
    ]),
  3,
)}</section>
<section><h2>Timeline</h2><figure>${timelineChart(result)}</figure></section>
${
  errors.length > 0
    ? markup`<section><h2>Failures</h2>${table(
        ['cause', 'requests', 'share', 'first at', 'last at'],
        errors.map((error) => [
          error.error,
          whole(error.count),
          percent(error.share),
          seconds(error.firstAtMs / 1000),
          seconds(error.lastAtMs / 1000),
        ]),
        1,
      )}</section>`
    : undefined
}
<section><h2>Figures</h2>
${parts('users in', areas, result)}${parts('sent to', regions, result)}${parts('request', kinds, result)}
${parts(
  'connection',
  [
    { ...warm, name: 'already open' },
    { ...cold, name: 'newly opened' },
  ],
  result,
)}
${cold.requests > 0 ? markup`<p class="note">Median time to connect ${ms(cold.connected.latency.p50)} (${whole(cold.connected.requests)} connections), median DNS lookup ${ms(cold.named.latency.p50)} (${whole(cold.named.requests)} lookups); latencies include both.</p>` : undefined}
${parts(places.length > placesShown ? `busiest ${placesShown} of ${places.length} places` : 'place', places.slice(0, placesShown), result)}
</section>`
}

const tile = (name: string, value: string, kind = '') =>
  markup`<div class="tile"><dt>${name}</dt><dd class="${kind}">${value}</dd></div>`

function parts(head: string, rows: readonly Part[], { slo }: UsersResult): Markup {
  return table(
    [head, 'requests', 'failed', 'p50', 'p95', 'p99', 'max', `≤ ${ms(slo.latencyMs)}`],
    rows
      .filter(({ requests }) => requests > 0)
      .map(({ name, requests, failed, latency: { p50, p95, p99, max }, fastShare }) => [
        name,
        whole(requests),
        failed === 0 ? '' : whole(failed),
        ...(failed === requests ? ['', '', '', ''] : [p50, p95, p99, max].map(ms)),
        markup`<span class="${fastShare >= slo.share ? 'good' : 'bad'}">${percent(fastShare)}</span>`,
      ]),
    1,
  )
}

/** The first `words` columns are text, the others are numbers. */
function table(head: readonly string[], rows: readonly (string | Markup)[][], words: number): Markup {
  const kind = (column: number) => (column < words ? '' : 'n')
  return markup`<div class="scroll"><table><thead><tr>${head.map((name, i) => markup`<th class="${kind(i)}">${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => markup`<tr>${row.map((cell, i) => markup`<td class="${kind(i)}" data-name="${head[i]!}">${cell}</td>`)}</tr>\n`)}</tbody></table></div>`
}

function footer({ effort, distances }: UsersResult): Markup {
  const { cpuShare, lateMs, loopDelayMs, inFlightMax } = effort
  return markup`<p>Load generator: ${Math.round(cpuShare * 100)} % of one core. Send delay, included in latencies: median ${ms(lateMs.p50)}, 99th percentile ${ms(lateMs.p99)}, maximum ${ms(lateMs.max)}. Event-loop lag: 99th percentile ${ms(loopDelayMs.p99)}. At most ${whole(inFlightMax)} requests in flight. Open-loop load: requests are sent on schedule, whether or not earlier ones were answered.${distances ? ' Latencies of links come from Nearside’s round-trip model.' : ''}</p>`
}
