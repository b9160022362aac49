import type { RegionContext } from '../context.ts'
import { haproxySockets, ownPaths } from '../haproxy/layout.ts'

/** How long a static response that says nothing about its freshness is kept. */
const staticTtl = '60s'

export function renderVcl({ region, topology }: RegionContext): string {
  const responseSeconds = topology.app.timeoutSeconds + 2
  return `# Made by nearside; changes are overwritten.
vcl 4.1;

import std;

backend origin {
  .path = "${haproxySockets.origin}";
  .connect_timeout = 2s;
  .first_byte_timeout = ${responseSeconds}s;
  .between_bytes_timeout = ${responseSeconds}s;
}

sub vcl_recv {
  if (req.url == "${ownPaths.alive}") {
    return (synth(200, "OK"));
  }
  if (local.socket != "edge") {
    return (synth(403, "Forbidden"));
  }
  # Varnish adds its peer, which is HAProxy's socket.
  set req.http.X-Forwarded-For = regsub(req.http.X-Forwarded-For, ", [^,]*$", "");
  set req.http.nearside-grace = "1";
  if (req.http.nearside-static && !req.http.Authorization) {
    # The answer is the same for everyone, so it must not depend on who asks first.
    unset req.http.Cookie;
  }
}

sub vcl_backend_fetch {
  unset bereq.http.Via;
  unset bereq.http.nearside-grace;
}

sub vcl_backend_response {
  unset beresp.http.Via;
  if (bereq.http.nearside-static && !bereq.http.Authorization) {
    # Made for a request without its cookies: it would overwrite the user's session.
    unset beresp.http.Set-Cookie;
    if (!beresp.http.Cache-Control && !beresp.http.Expires && beresp.status == 200) {
      set beresp.ttl = ${staticTtl};
    }
  }
}

sub vcl_deliver {
  unset resp.http.Via;
  unset resp.http.X-Varnish;
  # HAProxy 3.0 does not store a response of age 0.
  if (resp.http.Age == "0") {
    unset resp.http.Age;
  }
  if (obj.hits > 0) {
    set resp.http.nearside-cache = "hit";
    unset resp.http.Server-Timing;
    set resp.http.Cache-Status = "nearside-${region.name}; hit";
  } else {
    set resp.http.nearside-cache = "miss";
    set resp.http.Cache-Status = "nearside-${region.name}; fwd=miss";
  }
}
`
}
