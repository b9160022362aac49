/** Statuses by variable, for the frontend that has the filter: the filter itself can only break off (400). */
export const bodyVariables = { tooLarge: 'txn.body_too_large' } as const

/**
 * A Lua filter for requests whose length is not known beforehand (chunked). It counts while the body streams through
 * and breaks off when there is too much of it, or when it ends in trailers: HAProxy 3.0 passes trailers on as they are
 * and has no way to take one out, so a client could say in them what it may not say in headers. Only requests that are
 * chunked come by here; the filter costs them a Lua call for every 16 kB.
 */
export function renderBodyLua(maxBodyBytes: number): string {
  return `-- Made by nearside; changes are overwritten.
local max_bytes = ${maxBodyBytes}

local Body = { id = 'nearside body', flags = filter.FLT_CFG_FL_HTX }
Body.__index = Body

function Body:new()
  return setmetatable({ bytes = 0 }, Body)
end

function Body:start_analyze(txn, channel)
  if not channel:is_resp() then filter.register_data_filter(self, channel) end
end

-- Called with what is in the buffer; at the end of the message its trailers are there, too.
function Body:http_payload(txn, message)
  local kind, index = txn.f:internal_htx_blk_type('tail'), 0
  -- The mark for the end counts as one byte.
  self.bytes = self.bytes + message:input() - (kind == 'HTX_BLK_EOT' and 1 or 0)
  if self.bytes > max_bytes then
    txn:set_var('${bodyVariables.tooLarge}', true)
    error('a chunked request body is larger than ' .. max_bytes .. ' bytes', 0)
  end
  while kind == 'HTX_BLK_EOT' or kind == 'HTX_BLK_TLR' do
    local block = txn.f:internal_htx_blk_type(tostring(index))
    if block == 'HTX_BLK_TLR' then error('a request has trailers', 0) end
    if block == 'HTX_BLK_EOT' or block == 'HTX_BLK_UNUSED' then return end
    index = index + 1
  end
end

core.register_filter('body', Body, function(self) return self end)
`
}
