-- Made by nearside; changes are overwritten.
local hold_ms = 0
local step_ms = 50
local doubt_ms = 3000
local remotes = { 'us-east', 'us-west' }

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
  local before = tonumber(txn.f:req_hdr('nearside-held')) or 0
  local waited, found = wait(txn, 'primary', hold_ms - before)
  txn.http:req_set_header('nearside-held', tostring(before + waited))
  txn:set_var('txn.held', before + waited)
  if not found then txn:set_var('txn.refused', true) end
end)

local function is_up(txn, server)
  local up = txn.f:srv_is_up(server)
  return up == true or up == 1
end

local function in_doubt(txn)
  for _, name in ipairs(remotes) do
    local way = 'to-' .. name
    if is_up(txn, 'primary/' .. name) and not is_up(txn, way .. '/' .. name)
      and core.backends[way].servers[name]:get_stats().lastchg * 1000 < doubt_ms then return true end
  end
  return false
end

core.register_action('hold_doubt', { 'http-req' }, function(txn)
  local started = now_ms()
  while in_doubt(txn) and not stopping(txn) and now_ms() - started < doubt_ms do core.msleep(step_ms) end
end)

core.register_action('hold_app', { 'http-req' }, function(txn)
  wait(txn, 'app-health', 3000)
end)

for _, backend in ipairs({ 'primary', 'replica' }) do
  core.register_action('hold_' .. backend, { 'tcp-req' }, function(txn)
    local _, found = wait(txn, backend, hold_ms)
    if not found then txn:set_var('txn.refused', true) end
  end)
end

core.register_init(function()
  for _, name in ipairs({ 'primary', 'replica' }) do
    local backend = core.backends[name]
    if backend then
      for _, server in pairs(backend.servers) do server:check_force_down() end
    end
  end
end)
