/** Nobody was told of a bulletin. */
export const nobodyTold = { told: [], unreached: [] } as const

/** Tells the relays of the mesh of the newest bulletin of an authority's folder. */
export async function tellMesh(folder: string) {
  const { loadAuthority } = await import('@postern/identity')
  const { announceBulletin } = await import('@postern/node')
  return await announceBulletin(await loadAuthority(folder))
}
