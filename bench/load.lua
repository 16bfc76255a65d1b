-- Draws requests from the file that BENCH_REQUESTS names, one a line: a token (or "-"), a blank, a path with its query.
-- Instead of a token "client:" and a client's credentials in Base64: then a token is asked for.
-- BENCH_PAUSE is how many milliseconds a connection rests before each request, on average; without it none.
-- BENCH_IN_ORDER=1 takes them in order instead, each thread from a place of its own. Prints what it found as JSON.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   requests = {}
   local encoding = os.getenv("BENCH_ACCEPT_ENCODING")
   for line in io.lines(os.getenv("BENCH_REQUESTS")) do
      local token, path, tag = line:match("^(%S+) (%S+) ?(.*)$")
      local headers = {}
      local credentials = token:match("^client:(.*)$")
      if credentials then
         headers["Authorization"] = "Basic " .. credentials
         headers["Content-Type"] = "application/x-www-form-urlencoded"
         requests[#requests + 1] = wrk.format("POST", path, headers, "grant_type=client_credentials")
      else
         if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
         if tag ~= "" then headers["If-None-Match"] = tag end
         if encoding then headers["Accept-Encoding"] = encoding end
         requests[#requests + 1] = wrk.format("GET", path, headers)
      end
   end
   math.randomseed(number * 7919 + os.time())
   in_order = os.getenv("BENCH_IN_ORDER") == "1"
   place = math.floor(#requests * number / 8)
end

local pause = tonumber(os.getenv("BENCH_PAUSE") or "0")

if pause > 0 then
   function delay()
      return math.floor(-pause * math.log(1 - math.random()) + 0.5)  -- as independent consumers come
   end
end

function request()
   if in_order then
      place = place % #requests + 1
      return requests[place]
   end
   return requests[math.random(#requests)]
end

function done(summary, latency, rates)
   local errors = summary.errors
   io.write(string.format(
      '{"requests":%d,"seconds":%f,"bytes":%d,"p50":%f,"p99":%f,"failed":%d}\n',
      summary.requests, summary.duration / 1e6, summary.bytes,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
