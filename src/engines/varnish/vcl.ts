import { anySize } from '../../lib/quantities.ts'
import type { RegionContext } from '../context.ts'
import { haproxySockets, ownPaths, unavailable } from '../haproxy/layout.ts'
import { edgeSocketName } from './layout.ts'

/** How long a static response that says nothing about its freshness is fresh. */
const staticFresh = '60s'
/** And how long after that it may stand in while the app answers with errors, or not at all. */
const staticStaleIfError = '86400s'

/**
 * The cache's rules. HAProxy decides what comes here: paths that the topology calls static (it marks them), and paths
 * whose responses have said before that they may be shared. From there on the response's own headers count.
 *
 * An expired response may be used in two ways, and Varnish knows only one time for both (grace). So grace is the longer
 * of the two, and a hit that is only good for the second starts over: once without grace, which fetches, and when that
 * fails once more with grace. The header `nearside-stale` says where in this a request is.
 */
export function renderVcl({ region, topology }: RegionContext): string {
  // Several must fit at once.
  const maxObjectBytes = Math.floor(anySize.parse(topology.cdn.maxMemory)! / 8)
  const responseSeconds = topology.app.timeoutSeconds + 2
  return `# Made by nearside; changes are overwritten.
vcl 4.1;

import std;

backend origin {
  .path = "${haproxySockets.origin}";
  .connect_timeout = 2s;
  .first_byte_timeout = ${responseSeconds}s;
  .between_bytes_timeout = ${responseSeconds}s;
  # Whether anybody can serve: when nobody can, a stale response need not wait for a failing fetch.
  .probe = {
    .url = "${ownPaths.ready}";
    .interval = 1s;
    .timeout = 1s;
    .window = 2;
    .threshold = 1;
    .initial = 1;
  }
}

sub vcl_recv {
  if (req.url == "${ownPaths.alive}") {
    return (synth(200));
  }
  if (local.socket != "${edgeSocketName}") {
    return (synth(403));
  }
  if (req.restarts == 0) {
    unset req.http.nearside-stale;
    # Varnish has added its peer, which is HAProxy's socket.
    set req.http.X-Forwarded-For = regsub(req.http.X-Forwarded-For, ", [^,]*$", "");
    if (req.http.nearside-static && !req.http.Authorization) {
      # The answer is the same for everyone, so it must not depend on who asks first.
      unset req.http.Cookie;
    }
    # Three variants instead of one for every browser's list.
    if (req.http.Accept-Encoding ~ ";\\s*q=0(\\.0+)?\\s*(,|$)") {
      unset req.http.Accept-Encoding;
    } else if (req.http.Accept-Encoding ~ "(^|,)\\s*br\\b") {
      set req.http.Accept-Encoding = "br, gzip";
    } else if (req.http.Accept-Encoding ~ "(^|,)\\s*gzip\\b") {
      set req.http.Accept-Encoding = "gzip";
    } else {
      unset req.http.Accept-Encoding;
    }
  }
  # Kept through a restart unless it is unset.
  unset req.grace;
  if (req.http.nearside-stale == "replace") {
    set req.grace = 0s;
  }
}

sub vcl_hit {
  if (obj.ttl + std.duration(obj.http.nearside-revalidate, 0s) <= 0s
      && !req.http.nearside-stale && std.healthy(req.backend_hint)) {
    set req.http.nearside-stale = "replace";
    return (restart);
  }
}

sub vcl_backend_fetch {
  unset bereq.http.Via;
}

sub vcl_backend_response {
  if (beresp.status >= 500 && (bereq.is_bgfetch || bereq.http.nearside-stale == "replace")) {
    # What is there is better.
    return (abandon);
  }
  unset beresp.http.Via;
  unset beresp.http.nearside-revalidate;
  set beresp.grace = 0s;

  if (bereq.http.nearside-static && !bereq.http.Authorization) {
    # Made for a request without its cookies: it would overwrite the user's session.
    unset beresp.http.Set-Cookie;
    if (beresp.status == 200 && beresp.http.Cache-Control !~ "(?i)max-age|no-cache|no-store|private" && !beresp.http.Expires) {
      set beresp.ttl = ${staticFresh};
    }
    if (beresp.http.Cache-Control !~ "(?i)stale-if-error") {
      set beresp.grace = ${staticStaleIfError};
    }
  }
  if (beresp.http.Cache-Control ~ "(?i)stale-if-error=\\d+") {
    set beresp.grace = std.duration(regsub(beresp.http.Cache-Control, "(?i)^.*stale-if-error=(\\d+).*$", "\\1s"), 0s);
  }
  if (beresp.http.Cache-Control ~ "(?i)stale-while-revalidate=\\d+") {
    set beresp.http.nearside-revalidate = regsub(beresp.http.Cache-Control, "(?i)^.*stale-while-revalidate=(\\d+).*$", "\\1s");
    if (std.duration(beresp.http.nearside-revalidate, 0s) > beresp.grace) {
      set beresp.grace = std.duration(beresp.http.nearside-revalidate, 0s);
    }
  }
  if (beresp.http.Cache-Control ~ "(?i)must-revalidate|proxy-revalidate") {
    set beresp.grace = 0s;
  }
  # What could push everything else out: large, or of unknown length and of a kind that may be large.
  if (std.integer(beresp.http.Content-Length, 0) > ${maxObjectBytes}
      || (!beresp.http.Content-Length
          && beresp.http.Content-Type !~ "(?i)^(text/|font/|image/svg|application/(javascript|json|xml|manifest))")) {
    set beresp.uncacheable = true;
    set beresp.ttl = 120s;
    return (deliver);
  }
}

sub vcl_backend_error {
  if (bereq.is_bgfetch || bereq.http.nearside-stale == "replace") {
    return (abandon);
  }
  set beresp.http.Content-Type = "text/html; charset=utf-8";
  set beresp.http.Retry-After = "${unavailable.retryAfterSeconds}";
  set beresp.body = {"${unavailable.html}"};
  return (deliver);
}

sub vcl_deliver {
  unset resp.http.Via;
  unset resp.http.X-Varnish;
  unset resp.http.nearside-revalidate;
  # HAProxy 3.0 does not store a response of age 0.
  if (resp.http.Age == "0") {
    unset resp.http.Age;
  }
  if (obj.hits > 0) {
    unset resp.http.Server-Timing;
    set resp.http.nearside-cache = "hit";
    if (obj.ttl <= 0s) {
      set resp.http.nearside-cache = "stale";
    }
    set resp.http.Cache-Status = "nearside-${region.name}; hit; ttl=" + std.integer(duration = obj.ttl);
  } else if (obj.uncacheable) {
    set resp.http.nearside-cache = "pass";
    set resp.http.Cache-Status = "nearside-${region.name}; fwd=bypass";
  } else {
    set resp.http.nearside-cache = "miss";
    set resp.http.Cache-Status = "nearside-${region.name}; fwd=uri-miss; stored";
  }
}

sub vcl_synth {
  if (req.http.nearside-stale == "replace") {
    set req.http.nearside-stale = "serve";
    return (restart);
  }
  set resp.http.Content-Type = "text/plain; charset=utf-8";
  set resp.body = resp.reason;
  return (deliver);
}
`
}
