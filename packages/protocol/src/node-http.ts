/**
 * `node:http`, without what an `import` of it brings along: that reads each of its exports once, and one of them loads a
 * WebSocket client, which takes longer than the rest of a short command.
 */
export const http = process.getBuiltinModule('node:http')
