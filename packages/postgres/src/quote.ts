/** A name as SQL has it. @throws RangeError where no name may be so */
export function quotedName(name: string): string {
  return `"${withoutNul(name).replaceAll('"', '""')}"`
}

/** A text as SQL has it, where `standard_conforming_strings` is on. @throws RangeError where no text may be so */
export function quotedText(text: string): string {
  return `'${withoutNul(text).replaceAll("'", "''")}'`
}

/** A message's text ends at the first one: what is behind it would be another's. */
function withoutNul(text: string): string {
  if (text.includes('\0')) throw new RangeError('a name or text for the target has a NUL in it')
  return text
}
