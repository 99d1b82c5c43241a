// A reporter for node's test runner that says how many tests passed and failed, as one line of JSON.
export default async function* counts(source) {
  let passed = 0
  let failed = 0
  for await (const { type, data } of source) {
    if (data?.details?.type === 'suite') continue
    if (type === 'test:pass') passed += 1
    if (type === 'test:fail') failed += 1
  }
  yield JSON.stringify({ passed, failed })
}
