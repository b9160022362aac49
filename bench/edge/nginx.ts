/** Configurations of nginx. Pure. */

export type AppOptions = {
  address: string
  ports: readonly number[]
  workers: number
}

export type Assets = { path: string; kilobytes: number; cacheControl: string }[]

type Frame = { workers: number; accessLog?: boolean }

const frame = ({ workers, accessLog = false }: Frame, http: string[]) => `worker_processes ${workers};
pid nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path temp/${name};`).join('\n')}
  access_log ${accessLog ? 'access.log' : 'off'};
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 75;
  # The default, 1,000, would have it close connections that are in use.
  keepalive_requests 10000000;
${http.map((line) => `  ${line}`).join('\n')}
}
`

/** nginx refuses longer words. */
const kilobyte = 'nearside'.repeat(128)

/** The app, fast enough not to matter in the comparison. */
export function renderApp({ address, ports, workers }: AppOptions, assets: Assets): string {
  return frame({ workers }, [
    'server {',
    ...ports.map((port) => `  listen ${address}:${port} reuseport;`),
    '  default_type text/html;',
    `  set $kilobyte "${kilobyte}";`,
    '  location / { return 200 $kilobyte; }',
    '  location = /healthz { return 200 "ok"; }',
    ...assets.flatMap(({ path, kilobytes, cacheControl }) => [
      `  location = ${path} {`,
      '    default_type text/css;',
      `    add_header cache-control "${cacheControl}";`,
      `    return 200 "${'$kilobyte'.repeat(kilobytes)}";`,
      '  }',
    ]),
    '}',
  ])
}

export type ProxyOptions = AppOptions & {
  listen: string
  accessLog: boolean
  /** Of the cache of `/files/`. */
  maxCache: string
}

/**
 * A plain reverse proxy as an expert would configure it: keep-alive connections on both sides, and for assets its own
 * cache with open files cached.
 */
export function renderProxy({ address, ports, workers, listen, accessLog, maxCache }: ProxyOptions): string {
  return frame({ workers, accessLog }, [
    'proxy_cache_path cache keys_zone=assets:16m inactive=1h;',
    `proxy_cache_path files keys_zone=files:16m inactive=1h max_size=${maxCache} use_temp_path=off;`,
    'open_file_cache max=1000;',
    'upstream app {',
    '  least_conn;',
    ...ports.map((port) => `  server ${address}:${port};`),
    '  keepalive 512;',
    '  keepalive_requests 10000000;',
    '}',
    'server {',
    `  listen ${listen} reuseport;`,
    '  proxy_http_version 1.1;',
    '  proxy_set_header connection "";',
    '  proxy_set_header host $host;',
    '  proxy_set_header x-real-ip $remote_addr;',
    '  proxy_set_header x-forwarded-for $proxy_add_x_forwarded_for;',
    '  proxy_set_header x-forwarded-proto $scheme;',
    '  location / { proxy_pass http://app; }',
    '  location /assets/ {',
    '    proxy_pass http://app;',
    '    proxy_cache assets;',
    '    add_header cache-status $upstream_cache_status;',
    '  }',
    '  location /files/ {',
    '    proxy_pass http://app;',
    '    proxy_cache files;',
    '    proxy_cache_lock on;',
    '    add_header cache-status $upstream_cache_status;',
    '  }',
    '}',
  ])
}

/** A cache in front of everything, with nginx's own rules. */
export const renderCachingProxy = (
  origin: { host: string; port: number },
  at: { host: string; port: number },
): string =>
  frame({ workers: 1 }, [
    'proxy_cache_path cache keys_zone=all:16m inactive=1h;',
    'server {',
    `  listen ${at.host}:${at.port};`,
    '  proxy_http_version 1.1;',
    '  proxy_set_header connection "";',
    '  location / {',
    `    proxy_pass http://${origin.host}:${origin.port};`,
    '    proxy_cache all;',
    '    proxy_cache_revalidate on;',
    '  }',
    '}',
  ])
