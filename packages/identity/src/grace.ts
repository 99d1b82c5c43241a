/** How long after its end a credential is still good to ask for the next one: usually, and at most. */
export const usualGraceMs = 30 * 24 * 3600_000
export const maxGraceMs = 90 * 24 * 3600_000
