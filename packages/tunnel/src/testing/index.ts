export { testAuthority, type TestAuthority } from './authority.ts'
export { MemoryDirectory } from './memory-directory.ts'
