-- Says what came of a load in one line of JSON. An argument is the length of a body to post with every request.
function init(args)
  if args[1] then
    wrk.method = "POST"
    wrk.body = string.rep("postern ", math.ceil(args[1] / 8)):sub(1, tonumber(args[1]))
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
