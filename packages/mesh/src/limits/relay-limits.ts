import { maxRecordsPerPeer } from '@postern/protocol'

/** What a relay lets one neighbour do in a time, or have at a time. */
export interface RelayLimits {
  /** Circuits at a time, of all neighbours. */
  readonly circuits: number
  readonly circuitsPerNeighbour: number
  readonly circuitsPerSecond: number
  /** Other relays that are dialled at a time for its circuits. */
  readonly dialsPerNeighbour: number
  /** Octets that all circuits together hold here, because nobody reads them further on. */
  readonly bufferBytes: number
  /** Octets relayed, both ways; no limit where there is none. */
  readonly bytesPerSecond?: number | undefined
  readonly lookupsPerSecond: number
  readonly registrationsPerSecond: number
  readonly recordsPerEgress: number
  readonly bulletinsPerMinute: number
}

export const defaultRelayLimits: RelayLimits = {
  circuits: 4096,
  circuitsPerNeighbour: 1024,
  circuitsPerSecond: 100,
  dialsPerNeighbour: 16,
  bufferBytes: 128 * 1024 * 1024,
  lookupsPerSecond: 100,
  registrationsPerSecond: 20,
  recordsPerEgress: maxRecordsPerPeer,
  bulletinsPerMinute: 60,
}

/** A relay carries the circuits of many: of those, and of their octets, it may have this many times as much. */
export const carriedFor = 8

/** Below this rate of circuits or lookups, nodes that keep to `askingPace` could be taken for a flood. */
export const leastPerSecond = 10

/** At this rate, as many lists as one link carries at a time have their turn before their sender gives up. */
export const leastBulletinsPerMinute = 30

/** How long relays have to pass on a bulletin that the far end of a circuit has passed on, unless the config says otherwise. */
export const usualWithheldMs = 5000

/** Links of one neighbour at a time; the oldest give way to new ones, because they may be dead. */
export const linksPerNeighbour = 8

/** Lookups at once, as those of so many seconds: an ingress looks for all its services when it is linked. */
export const lookupBurstSeconds = 10
