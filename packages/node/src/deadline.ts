/** Waits for a task at most so long; true when it was done in time. What it throws counts as done. */
export async function within(ms: number, task: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([
      task.then(
        () => true,
        () => true,
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}

const lookMs = 25

/** Waits until nothing is under way, at most so long; true when that came to be. */
export async function idle(ms: number, underWay: () => number): Promise<boolean> {
  if (underWay() === 0) return true
  let look: NodeJS.Timeout | undefined
  const empty = new Promise<void>((resolve) => {
    look = setInterval(() => {
      if (underWay() === 0) resolve()
    }, lookMs)
  })
  try {
    return await within(ms, empty)
  } finally {
    clearInterval(look)
  }
}
