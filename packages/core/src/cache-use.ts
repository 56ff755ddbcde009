/** How often a cache had what was asked of it. Both only grow: rates are made of them where they are read. */
export interface CacheUse {
  readonly name: string
  hits: number
  misses: number
}
