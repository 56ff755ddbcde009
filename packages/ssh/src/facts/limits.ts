/** What is too much to be judged: a command beyond any of these is `unparsed`. */
export const factLimits = {
  /** Bytes of a command. Linux runs none longer than 128 KiB. */
  commandBytes: 64 * 1024,
  /** Words of all its commands together, inner ones too. */
  words: 2_048,
  /** Places where something begins that nests: brackets, backquotes, `${`, here-documents. A parser's time and stack grow with them. */
  openings: 256,
  /** Commands inside commands: `sudo sh -c 'ssh b "…"'` is 3 deep. */
  depth: 8,
  /** Names on one path. */
  pathNames: 128,
  /** Bytes of one path: PATH_MAX of Linux. */
  pathBytes: 4_096,
} as const
