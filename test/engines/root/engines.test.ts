import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runFolder } from '../../../src/engines/context.ts'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { sandboxCommand } from '../../../src/engines/root/sandbox.ts'
import { unsandboxedCommand } from '../../../src/engines/root/unsandboxed.ts'
import { freeEndpoint, temporaryFolder } from '../../support/sandboxed.ts'

/** The engine root contains what the design relies on. How each engine is used is tested in its own folder. */

const root = locateEngineRoot()
const folder = temporaryFolder('root')
const runDir = join(folder, 'run')
mkdirSync(runDir)

function output(...command: string[]): string {
  const sandbox = { root: root.path, binds: [{ path: folder }], runDir, cwd: folder, env: {}, command }
  const { file, args, env } = sandboxCommand({ ...sandbox, lifetime: 'tied' })
  const { status, stdout, stderr, error } = spawnSync(file, args, { env, encoding: 'utf8' })
  assert.equal(status, 0, `${command.join(' ')}: ${error?.message ?? ''}${stderr}${stdout}`)
  return `${stdout}${stderr}`
}

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('every engine has the version in the manifest', () => {
  const { versions } = root
  assert.match(output('etcd', '--version'), new RegExp(`etcd Version: ${versions.etcd}`))
  assert.match(output('haproxy', '-v'), new RegExp(`version ${versions.haproxy}`))
  assert.match(output('knotd', '-V'), new RegExp(versions.knot))
  assert.match(output('patroni', '--version'), new RegExp(versions.patroni))
  assert.match(output('postgres', '--version'), new RegExp(versions.postgresql))
  assert.match(output('redis-server', '--version'), new RegExp(`v=${versions.redis}`))
  assert.match(output('varnishd', '-V'), new RegExp(versions.varnish))
})

test('Patroni supports etcd, which its package alone does not include', () => {
  const script = 'import patroni.dcs; print([name for name, _ in patroni.dcs.iter_dcs_classes()])'
  assert.match(output('python3', '-c', script), /'etcd3'/)
})

test('HAProxy has Lua and the Prometheus exporter', () => {
  const lua = file(
    'script.lua',
    'core.register_action("wait", { "http-req" }, function(txn) core.msleep(1) end)\n',
  )
  const configuration = [
    ...['global', `  lua-load ${lua}`, 'defaults', '  mode http', '  timeout client 1s'],
    ...['frontend f', '  bind 127.0.0.1:1', '  http-request lua.wait'],
    ...[
      '  http-request use-service prometheus-exporter if { path /metrics }',
      '  http-request return status 200',
    ],
  ]
  output('haproxy', '-c', '-f', file('haproxy.cfg', `${configuration.join('\n')}\n`))
})

test('Varnish finds a C compiler for VCL', () => {
  const vcl =
    'vcl 4.1;\nimport std;\nbackend default { .host = "127.0.0.1"; }\nsub vcl_recv { std.log("x"); }\n'
  output('varnishd', '-C', '-f', file('cdn.vcl', vcl), '-n', join(folder, 'varnish'))
})

test('Knot has mod-geoip', () => {
  const map = file('geo.conf', 'example.com:\n  - net: 0.0.0.0/1\n    A: 127.0.0.1\n')
  const configuration = `mod-geoip:\n  - id: geo\n    config-file: ${map}\n    ttl: 20\n    mode: subnet\n`
  assert.match(output('knotc', '-c', file('knot.conf', configuration), 'conf-check'), /valid/)
})

test('PostgreSQL starts, answers on a short socket path and stops, for any user', async () => {
  const { host, port } = await freeEndpoint()
  const data = join(folder, 'data')
  output('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '--data-checksums')
  const settings = `-p ${port} -c listen_addresses=${host} -c unix_socket_directories=${runFolder} -c fsync=off`
  output('pg_ctl', '-D', data, '-w', '-l', join(folder, 'postgres.log'), '-o', settings, 'start')
  try {
    // Each command gets a new sandbox: they share the socket, process ids and shared memory.
    assert.equal(
      output('psql', '-h', runFolder, '-p', String(port), '-U', 'postgres', '-Atc', 'select 6 * 7').trim(),
      '42',
    )
    assert.ok(existsSync(join(runDir, `.s.PGSQL.${port}`)))
  } finally {
    output('pg_ctl', '-D', data, '-w', '-m', 'immediate', 'stop')
  }
})

test('network tools run outside the sandbox with their own libraries', () => {
  const [ip, ...args] = unsandboxedCommand(root.path, 'ip', ['-brief', 'address', 'show', 'dev', 'lo'])
  const { stdout, stderr } = spawnSync(ip, args, { encoding: 'utf8' })
  assert.match(stdout, /^lo .*127\.0\.0\.1\/8/, stderr)
})
