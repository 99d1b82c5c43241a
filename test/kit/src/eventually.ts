const lookMs = 10

/** Waits until the check holds, looking often; fails with what the check last said when it does not hold in time. */
export function eventually(what: string, check: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const until = performance.now() + withinMs
  return new Promise((resolve, reject) => {
    const look = async () => {
      if (await check()) return resolve()
      if (performance.now() > until) return reject(new Error(`not within ${withinMs} ms: ${what}`))
      setTimeout(() => void look().catch(reject), lookMs)
    }
    look().catch(reject)
  })
}
