/** The compiled grammar itself, below the package's own wrapper, so that an instance can be thrown away. */
declare module 'libpg-query/wasm/libpg-query.js' {
  interface PgQueryInstance {
    lengthBytesUTF8(text: string): number
    stringToUTF8(text: string, pointer: number, capacity: number): void
    UTF8ToString(pointer: number): string
    getValue(pointer: number, type: 'i32'): number
    _malloc(size: number): number
    _free(pointer: number): void
    _wasm_parse_query_raw(text: number): number
    _wasm_free_parse_result(result: number): void
  }
  interface InstanceOptions {
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ): object
  }
  export default function create(options: InstanceOptions): Promise<PgQueryInstance>
}

/** What the package needs of WebAssembly: Node has it, its type library stands with the DOM's. */
declare namespace WebAssembly {
  type Imports = Readonly<Record<string, object>>
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: Imports)
    readonly exports: object
  }
}
