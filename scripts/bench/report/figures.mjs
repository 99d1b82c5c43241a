/** What is measured, in the order of the table: key in the JSON, what people read, and digits after the point. */
export const figures = [
  { key: 'requests_per_s_1', title: 'requests/s, one connection', digits: 0 },
  { key: 'requests_per_s', title: 'requests/s, 64 connections', digits: 0 },
  { key: 'requests_per_s_256', title: 'requests/s, 256 connections', digits: 0 },
  { key: 'cpu_us_per_request_1', title: 'CPU µs per request, one connection', digits: 0 },
  { key: 'cpu_us_per_request', title: 'CPU µs per request, 64 connections', digits: 0 },
  { key: 'cpu_us_per_request_256', title: 'CPU µs per request, 256 connections', digits: 0 },
  { key: 'p50_ms_1', title: 'p50 ms, one connection', digits: 2 },
  { key: 'p99_ms_1', title: 'p99 ms, one connection', digits: 2 },
  { key: 'p50_ms_64', title: 'p50 ms, 64 connections', digits: 2 },
  { key: 'p99_ms_64', title: 'p99 ms, 64 connections', digits: 2 },
  { key: 'p50_ms_256', title: 'p50 ms, 256 connections', digits: 2 },
  { key: 'p99_ms_256', title: 'p99 ms, 256 connections', digits: 2 },
  { key: 'bulk_mb_per_s', title: 'download MB/s, 10 MB at a time', digits: 0 },
  { key: 'upload_mb_per_s', title: 'upload MB/s, 10 MB at a time', digits: 0 },
  { key: 'bulk_1gb_mb_per_s', title: 'download MB/s, 1 GB', digits: 0 },
  { key: 'upload_1gb_mb_per_s', title: 'upload MB/s, 1 GB', digits: 0 },
  { key: 'rss_mb', title: 'RSS MB of the largest node', digits: 0 },
]

/** What the ratio, mesh ÷ yardstick, must reach: a row for each line of the budget. */
export const ratios = [
  { key: 'requests_per_s', rule: { atLeast: 1 } },
  { key: 'requests_per_s_256', rule: { atLeast: 1.5 } },
  { key: 'cpu_us_per_request', rule: { atMost: 1 } },
  { key: 'p50_ms_1', rule: { atMost: 3 } },
  { key: 'bulk_mb_per_s', rule: { atLeast: 0.7 } },
  { key: 'upload_mb_per_s', rule: { atLeast: 0.7 } },
  { key: 'bulk_1gb_mb_per_s', rule: { atLeast: 0.7 } },
  { key: 'upload_1gb_mb_per_s', rule: { atLeast: 0.7 } },
]
