import { proxies } from './layout.ts'

/**
 * Milliseconds that a write has been held so far: in requests so that several holds share one allowance, in responses
 * for whoever wonders why it took so long.
 */
export const heldHeader = 'nearside-held'

/** A waiting request looks this often whether there is a primary. */
const stepMs = 50

/**
 * A request from another region whose app has just died here waits this long for one that is restarted. The other
 * region cannot take it back, and after its next two checks (1 s) it sends no more.
 */
const appMs = 3_000

/**
 * A region that could not be reached a moment ago, although its database still counts as the primary: is it the way or the
 * whole region? Its checks say within 2.5 s, also when nothing answers at all.
 */
const doubtMs = 3_000

/**
 * The Lua of HAProxy: waiting, nothing else.
 *
 * - `lua.hold` (HTTP): returns when a primary is up, or when the request has been held for `holdMs` in all, here and
 *   in the HAProxys it has passed before; then `txn.refused` is set and a rule answers 503.
 * - `lua.hold_doubt` (HTTP): returns when it is clear whether a region that has just become unreachable still holds the
 *   primary: an app elsewhere would else be given a write whose database is about to be found dead.
 * - `lua.hold_app` (HTTP): returns when the app of this region is healthy again, or after a moment.
 * - `lua.hold_primary`, `lua.hold_replica` (TCP): the same for connections to the database endpoints.
 * - At start every server behind the database endpoints counts as down until its first check says otherwise. HAProxy
 *   would take them for up, and in the first quarter of a second writes would go to replicas.
 *
 * `nbsrv` is read in the same process that routes, so a request that is let through finds the server that let it. After
 * a reload the old worker checks no server any more and would wait in vain: what waits there is let through at once, and
 * rules hand it to the new worker.
 */
export function renderHoldLua(holdMs: number, remotes: readonly string[]): string {
  return `-- Made by nearside; changes are overwritten.
local hold_ms = ${holdMs}
local step_ms = ${stepMs}
local doubt_ms = ${doubtMs}
local remotes = { ${remotes.map((name) => `'${name}'`).join(', ')} }

local function now_ms()
  local now = core.now()
  return now.sec * 1000 + now.usec // 1000
end

local function stopping(txn)
  local is = txn.f:stopping()
  return is == true or is == 1
end

-- Milliseconds waited, and whether the request may go on.
local function wait(txn, backend, limit_ms)
  local started = now_ms()
  while txn.f:nbsrv(backend) == 0 do
    local waited = now_ms() - started
    if stopping(txn) then return waited, true end
    if waited >= limit_ms then return waited, false end
    core.msleep(math.min(step_ms, limit_ms - waited))
  end
  return now_ms() - started, true
end

core.register_action('hold', { 'http-req' }, function(txn)
  local before = tonumber(txn.f:req_hdr('${heldHeader}')) or 0
  local waited, found = wait(txn, '${proxies.primary}', hold_ms - before)
  txn.http:req_set_header('${heldHeader}', tostring(before + waited))
  txn:set_var('txn.held', before + waited)
  if not found then txn:set_var('txn.refused', true) end
end)

local function is_up(txn, server)
  local up = txn.f:srv_is_up(server)
  return up == true or up == 1
end

local function in_doubt(txn)
  for _, name in ipairs(remotes) do
    local way = '${proxies.to('')}' .. name
    if is_up(txn, '${proxies.primary}/' .. name) and not is_up(txn, way .. '/' .. name)
      and core.backends[way].servers[name]:get_stats().lastchg * 1000 < doubt_ms then return true end
  end
  return false
end

core.register_action('hold_doubt', { 'http-req' }, function(txn)
  local started = now_ms()
  while in_doubt(txn) and not stopping(txn) and now_ms() - started < doubt_ms do core.msleep(step_ms) end
end)

core.register_action('hold_app', { 'http-req' }, function(txn)
  wait(txn, '${proxies.appHealth}', ${appMs})
end)

for _, backend in ipairs({ '${proxies.primary}', '${proxies.replica}' }) do
  core.register_action('hold_' .. backend, { 'tcp-req' }, function(txn)
    local _, found = wait(txn, backend, hold_ms)
    if not found then txn:set_var('txn.refused', true) end
  end)
end

core.register_init(function()
  for _, name in ipairs({ '${proxies.primary}', '${proxies.replica}' }) do
    local backend = core.backends[name]
    if backend then
      for _, server in pairs(backend.servers) do server:check_force_down() end
    end
  end
end)
`
}
