import { pipePair, pipeSuite } from '@postern/protocol/testing'

pipeSuite('a pair in memory', () => pipePair())
