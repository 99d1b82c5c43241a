const lookMs = 25

/** What the promise yields, or an error that says what took longer than `ms`. */
export async function within(ms, what, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Looks again and again until `look` yields something true, and yields it. Throws when that takes longer than `ms`. */
export async function until(ms, what, look) {
  const endMs = performance.now() + ms
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > endMs) throw new Error(`${what} took longer than ${ms / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}
