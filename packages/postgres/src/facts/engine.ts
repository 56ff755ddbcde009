import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Node } from '@pgsql/types'
import createInstance, { type PgQueryInstance } from 'libpg-query/wasm/libpg-query.js'
import { compileOnce } from './compile.ts'

export type Parsed =
  | { readonly kind: 'tree'; readonly json: string }
  /** The server's own words; they may quote the text. `position` in UTF-8 bytes from 0. */
  | { readonly kind: 'syntax'; readonly message: string; readonly position: number }

/** What `pg_query` writes: one element per statement. */
export interface ParseTree {
  readonly stmts?: readonly { readonly stmt?: Node }[]
}

/** Makes instances of PostgreSQL's grammar: compiled once, started in milliseconds. */
export class EngineSource {
  readonly module: WebAssembly.Module

  /** @param module what another thread has compiled */
  constructor(module: WebAssembly.Module = compileOnce(readFileSync(grammarFile()))) {
    this.module = module
  }

  async start(): Promise<Engine> {
    const { module } = this
    const instance = await createInstance({
      instantiateWasm(imports, done) {
        const started = new WebAssembly.Instance(module, imports)
        done(started, module)
        return started.exports
      },
    })
    return new Engine(instance)
  }
}

function grammarFile(): string {
  return createRequire(import.meta.url).resolve('libpg-query/wasm/libpg-query.wasm')
}

/**
 * One instance of the grammar. Anything that {@link Engine.parse} throws has left its memory in an unknown state: throw
 * the instance away.
 */
export class Engine {
  readonly #instance: PgQueryInstance

  constructor(instance: PgQueryInstance) {
    this.#instance = instance
  }

  /** `text` must hold no NUL: what is behind it would not be seen. */
  parse(text: string): Parsed {
    const instance = this.#instance
    const size = instance.lengthBytesUTF8(text) + 1
    const pointer = instance._malloc(size)
    if (pointer === 0) throw new RangeError('the parser has no memory')
    instance.stringToUTF8(text, pointer, size)
    const result = instance._wasm_parse_query_raw(pointer)
    instance._free(pointer)
    if (result === 0) throw new RangeError('the parser has no memory')
    const parsed = read(instance, result)
    instance._wasm_free_parse_result(result)
    return parsed
  }
}

/** `PgQueryParseResult`: tree, stderr, error; `PgQueryError`: message, function, file, line, position from 1. */
function read(instance: PgQueryInstance, result: number): Parsed {
  const error = instance.getValue(result + 8, 'i32')
  if (error === 0) return { kind: 'tree', json: instance.UTF8ToString(instance.getValue(result, 'i32')) }
  const message = instance.UTF8ToString(instance.getValue(error, 'i32'))
  // stack and memory limits are reported like syntax errors, and leave the instance whole
  return { kind: 'syntax', message, position: Math.max(0, instance.getValue(error + 16, 'i32') - 1) }
}
