import { setFlagsFromString } from 'node:v8'

/**
 * Compiles a module once and for all, by V8's baseline compiler. The optimizing one would take up functions as they are used, and takes
 * 600 MB for a while for the one that holds PostgreSQL's whole grammar, to parse a small statement in 6 µs instead of 11.
 *
 * V8 reads these flags while it compiles, which is why nothing may be left for later: lazily compiled functions are optimized all the same.
 */
export function compileOnce(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  for (const flag of flags) setFlagsFromString(`--no-${flag}`)
  try {
    return new WebAssembly.Module(bytes)
  } finally {
    for (const flag of flags) setFlagsFromString(`--${flag}`)
  }
}

const flags = ['wasm-dynamic-tiering', 'wasm-tier-up', 'wasm-lazy-compilation']
