/**
 * How long Varnish may use a response: RFC 9111 (HTTP Caching), RFC 9213 (Targeted Cache Control) and RFC 5861
 * (stale-while-revalidate, stale-if-error), as VCL. Varnish's own calculation knows none of the last two, and takes
 * `private` with a Surrogate-Control for public.
 */

/** Freshness of a static response whose headers do not specify any. */
const staticFresh = '60s'
/** How long after that it may be served while the app fails or does not answer. */
const staticStaleIfError = '86400s'
/** How long an expired response with a validator is kept, for a revalidation that may be answered with 304. */
const keep = '86400s'

/** Matches a directive without regard to its value. */
const has = (...names: string[]) => `(?i)(^|,)\\s*(${names.join('|')})\\s*(=|,|;|$)`

/** Matches a directive's first valid value in seconds. Captures nine digits of it, 30 years. */
const seconds = (name: string) =>
  `(?i)^(?:.*?,)??\\s*${name}\\s*=\\s*\\x22?0*(\\d{1,9})\\d*\\x22?\\s*(?:[,;].*)?$`

const secondsOf = (header: string, name: string) =>
  `std.duration(regsub(${header}, "${seconds(name)}", "\\1s"), 0s)`

/**
 * Sets `beresp.ttl`, `grace` and `keep`, and the header `nearside-revalidate`: the part of grace that
 * stale-while-revalidate allows. A response that must not be stored gets a TTL of 0 and `nearside-unstorable`.
 */
export const freshness = `
sub freshness {
  unset beresp.http.nearside-unstorable;
  unset beresp.http.nearside-revalidate;
  set beresp.ttl = 0s;
  set beresp.grace = 0s;
  set beresp.keep = 0s;

  # RFC 9213: a targeted field that is not empty replaces Cache-Control and Expires.
  std.collect(beresp.http.CDN-Cache-Control, ", ");
  std.collect(beresp.http.Surrogate-Control, ", ");
  std.collect(beresp.http.Age, ", ");
  if (beresp.http.CDN-Cache-Control ~ "^[\\s,]*[a-z*]") {
    set beresp.http.nearside-policy = beresp.http.CDN-Cache-Control;
  } else if (beresp.http.Cache-Control) {
    set beresp.http.nearside-policy = beresp.http.Cache-Control;
  } else {
    set beresp.http.nearside-policy = "";
  }

  # Surrogate-Control has no standard. It can only shorten what the others allow.
  if (beresp.http.nearside-policy ~ "${has('no-store', 'no-cache', 'private')}"
      || beresp.http.Surrogate-Control ~ "${has('no-store')}"
      || beresp.http.Vary ~ "(^|,)\\s*\\*\\s*(,|$)"
      || (beresp.http.Set-Cookie && !bereq.http.nearside-static)
      || beresp.status == 206 || beresp.status == 416
      || (beresp.http.nearside-policy ~ "${has('must-understand')}"
          && "" + beresp.status !~ "^(200|203|204|300|301|302|303|307|308|404|405|410|414|501)$")) {
    set beresp.http.nearside-unstorable = "1";
    return;
  }

  # An error is stored only if it says so.
  if (beresp.http.nearside-policy ~ "${has('s-maxage')}") {
    set beresp.ttl = ${secondsOf('beresp.http.nearside-policy', 's-maxage')};
  } else if (beresp.http.nearside-policy ~ "${has('max-age')}") {
    set beresp.ttl = ${secondsOf('beresp.http.nearside-policy', 'max-age')};
  } else if (beresp.http.CDN-Cache-Control !~ "^[\\s,]*[a-z*]" && beresp.http.Expires) {
    # A date that cannot be parsed is in the past. So is one of two.
    set beresp.ttl = std.time(beresp.http.Expires, now - 1s) - std.time(beresp.http.Date, now);
  } else if (bereq.http.nearside-static && beresp.status == 200) {
    set beresp.ttl = ${staticFresh};
  }
  if (beresp.http.Surrogate-Control ~ "${has('max-age')}"
      && ${secondsOf('beresp.http.Surrogate-Control', 'max-age')} < beresp.ttl) {
    set beresp.ttl = ${secondsOf('beresp.http.Surrogate-Control', 'max-age')};
  }
  if (beresp.http.Age) {
    if (beresp.http.Age ~ "^\\d{1,9}$") {
      set beresp.ttl = beresp.ttl - std.duration(beresp.http.Age + "s", 0s);
    } else {
      set beresp.ttl = 0s;
    }
  }

  if (beresp.http.nearside-policy ~ "${has('must-revalidate', 'proxy-revalidate')}") {
    # Never stale.
  } else {
    if (beresp.http.nearside-policy ~ "${seconds('stale-if-error')}") {
      set beresp.grace = ${secondsOf('beresp.http.nearside-policy', 'stale-if-error')};
    } else if (bereq.http.nearside-static && beresp.status == 200 && beresp.http.nearside-policy !~ "${has('s-maxage')}") {
      set beresp.grace = ${staticStaleIfError};
    }
    if (beresp.http.nearside-policy ~ "${seconds('stale-while-revalidate')}") {
      set beresp.http.nearside-revalidate = regsub(beresp.http.nearside-policy, "${seconds('stale-while-revalidate')}", "\\1s");
      if (std.duration(beresp.http.nearside-revalidate, 0s) > beresp.grace) {
        set beresp.grace = std.duration(beresp.http.nearside-revalidate, 0s);
      }
    }
  }
  if (beresp.ttl > 0s && (beresp.http.ETag || beresp.http.Last-Modified)) {
    set beresp.keep = ${keep};
  }
  if (beresp.ttl <= 0s) {
    set beresp.http.nearside-unstorable = "1";
  }
}
`
