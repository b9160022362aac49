import { haproxyPaths, haproxySockets, selfPeer, unavailable } from './layout.ts'
import { totalOf } from './limits.ts'
import { viaWord } from './sockets.ts'
import { quote, section } from './text.ts'
import type { View } from './view.ts'

export function globalSections({ budgets }: View): string[] {
  return [
    section(
      'global',
      `stats socket ${haproxySockets.stats} mode 600 level admin expose-fd listeners`,
      'stats timeout 2m',
      // The sum of the frontends' limits, so that none of them can take another's place.
      `maxconn ${totalOf(budgets)}`,
      viaWord,
      // Four threads serve over 100,000 requests/s; more would only cost memory on big machines.
      'thread-hard-limit 4',
      // The number of sc0 to sc7.
      'tune.stick-counters 8',
      // Otherwise HAProxy answers 413 before any rule to a GET, HEAD or DELETE in HTTP/1.0 with a body. The rules say 400.
      'h1-accept-payload-with-any-method',
      // After a reload the old worker keeps serving its long streams and database sessions, but not forever.
      'hard-stop-after 1h',
      // The only peer is this HAProxy itself: after a reload the old worker passes its tables to the new one.
      `localpeer ${selfPeer}`,
      `lua-load ${haproxyPaths.hold}`,
      `lua-load ${haproxyPaths.body}`,
      `lua-load ${haproxyPaths.fetch}`,
      `lua-load-per-thread ${haproxyPaths.connection}`,
      `lua-load-per-thread ${haproxyPaths.lines}`,
    ),
  ]
}

/** Defaults of the HTTP proxies, which follow in the file. */
export function httpDefaults(view: View): string[] {
  return [
    section(
      'defaults',
      'mode http',
      'option log-separate-errors',
      'option httplog',
      'option dontlognull',
      'option abortonclose',
      // Otherwise each chunk of a streamed response waits up to 200 ms for the next one, at every hop.
      'option http-no-delay',
      // On a reload, close a kept connection only after its next response, so no request meets a closing connection.
      'option idle-close-on-response',
      'option redispatch 1',
      'retries 3',
      'timeout connect 1500ms',
      'timeout check 2s',
      // Limits the time for all headers of a request, against clients that send them slowly.
      'timeout http-request 10s',
      'timeout http-keep-alive 60s',
      `timeout client ${view.clientMs}ms`,
      `timeout server ${view.responseMs}ms`,
      'timeout queue 5s',
      `timeout tunnel ${view.topology.edge.webSocketIdleSeconds}s`,
      `http-error status 503 content-type text/html string ${quote(unavailable.html)} hdr retry-after ${unavailable.retryAfterSeconds}`,
    ),
    section(
      'cache immutable',
      'total-max-size 16',
      'max-object-size 131072',
      'max-age 3600',
      'process-vary on',
    ),
  ]
}

/** Defaults of the TCP proxies, which follow in the file. */
export function tcpDefaults(): string {
  return section(
    'defaults',
    'mode tcp',
    'option log-separate-errors',
    'option tcplog',
    'option dontlognull',
    'option redispatch 1',
    'retries 3',
    'timeout connect 1500ms',
    'timeout check 1s',
    // Pooled sessions may be idle for long. TCP keepalive (below) detects a dead peer.
    'timeout client 24h',
    'timeout server 24h',
    // A side that has closed its half has ended its session. A hung database would keep the other half for a day.
    'timeout client-fin 30s',
    'timeout server-fin 30s',
    'timeout queue 5s',
    'option clitcpka',
    'option srvtcpka',
    'srvtcpka-idle 2s',
    'srvtcpka-intvl 1s',
    'srvtcpka-cnt 3',
  )
}
