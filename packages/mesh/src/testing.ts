/** What a member that keeps to no rule is made of, for tests of what others do about it. */
export { linkTo } from './circuit/open.ts'
export { sealRoute } from './circuit/route.ts'
export { messagesOf } from './directory/messages.ts'
export { type Host, startHost } from './host.ts'
export { relayOfAddress } from './neighbours.ts'
