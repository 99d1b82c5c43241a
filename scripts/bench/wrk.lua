-- Says what came of a load in one line of JSON. Arguments: the length of a body to post with every request, or 0; and
-- how many paths below /r/ to ask for in turn, or 0 for the URL's own.
local requests, at = {}, 0

function init(args)
  local bytes, paths = tonumber(args[1] or 0), tonumber(args[2] or 0)
  if bytes > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("postern ", math.ceil(bytes / 8)):sub(1, bytes)
  end
  if paths == 0 then return end
  for number = 1, paths do
    requests[number] = wrk.format(nil, string.format("/r/%05d", number - 1))
  end
  -- A global function `request` makes wrk ask for every single one.
  request = function()
    at = at % paths + 1
    return requests[at]
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"errors":%d,"meanMs":%.4f,"p50Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests,
    summary.duration / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency.mean / 1e3,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3
  ))
end
