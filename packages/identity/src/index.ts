/** Who belongs: keys on disk, the authority, credentials and their verification. */
export * from './authority.ts'
export * from './credential.ts'
export * from './keys.ts'
export * from './member.ts'
export * from './mesh-file.ts'
export * from './record.ts'
export * from './store.ts'
