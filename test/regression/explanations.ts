/** A difference between direct and through that is intended. docs/compatibility.md lists the same names and reasons. */
export interface Explanation {
  /** Suite and output, such as `files/strings`. */
  readonly name: string
  readonly reason: string
  /** Matches each hunk of the difference: another one is not explained by it. */
  readonly like: RegExp
}

const standardStrings =
  /sallyport: standard_conforming_strings cannot be changed|when standard_conforming_strings is off|unsafe use of string constant|nonstandard use of \\\\|^\+invalid command \\$|^-\s+off\n\+\s+on$|\+ERROR: {2}syntax error at or near "' as f2, '"/m

export const explanations: readonly Explanation[] = [
  {
    name: 'files/strings',
    reason:
      '`standard_conforming_strings` stays on: statements are judged by it, and what follows in the file is read with it',
    like: standardStrings,
  },
  {
    name: 'files/plpgsql',
    reason:
      '`standard_conforming_strings` stays on: the file ends with a function whose strings are read with it off',
    like: /sallyport: standard_conforming_strings cannot be changed|nonstandard use of \\\\|foo\\\\bar/,
  },
]
