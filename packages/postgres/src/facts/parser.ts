export interface ParserLimits {
  /** Longer texts are refused, in UTF-8 bytes. */
  readonly maxBytes: number
  /** Parentheses and brackets inside each other. */
  readonly maxDepth: number
  /** Operators and words that nest expressions, in all. */
  readonly maxOperators: number
  /** Texts up to this are parsed at once; longer ones in a worker. */
  readonly maxInlineBytes: number
  /** A worker that takes longer is ended. */
  readonly maxParseMs: number
  readonly maxCacheEntries: number
  readonly maxCacheBytes: number
}

export class Parser implements AsyncDisposable {
  static create(limits: ParserLimits): Promise<Parser> {
    void limits
    throw new TypeError('not yet')
  }

  [Symbol.asyncDispose](): Promise<void> {
    throw new TypeError('not yet')
  }
}
