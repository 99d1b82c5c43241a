/** In-memory twins of the ports, for tests of what stands on them. */
export { pipePair } from './pipe-pair.ts'
export { pipeSuite } from './pipe-suite.ts'
