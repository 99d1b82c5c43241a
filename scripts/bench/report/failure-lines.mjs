/** A line for each scenario that failed as a whole: its figures are missing. */
export function failureLines({ failures }) {
  return Object.entries(failures).map(
    ([name, reason]) => `${name} FAILED, and has no figures: ${reason.split('\n')[0]}`,
  )
}
