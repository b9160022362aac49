-- Made by nearside; changes are overwritten.
local max_bytes = 10485760

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
    txn:set_var('txn.body_too_large', true)
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
