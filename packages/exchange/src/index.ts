/** HTTP exchanges over a pipe: one trunk carries many, each with its own flow control. */
export { BufferBudget } from './buffer-budget.ts'
export { initialCredit } from './credit.ts'
export type { Exchange } from './exchange.ts'
export { Initiator, type InitiatorInit, type ResponseListener } from './initiator.ts'
export { Machine } from './machine.ts'
export { defaultLimits, type MachineEvents, type MachineLimits } from './machine-events.ts'
export { PieceQueue } from './piece-queue.ts'
export { type Incoming, type RequestListener, Responder, type ResponderInit } from './responder.ts'
