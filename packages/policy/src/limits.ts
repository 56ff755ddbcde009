/**
 * What is refused before Cedar's parser sees it. That parser recurses without a limit of its own: 150 nested brackets,
 * or 400 chained operators, overflow the WASM stack and leave the engine dead for every later decision.
 */
const maxNesting = 16
const maxOperatorsPerPolicy = 128
const maxFileBytes = 256 * 1024
export const maxPolicies = 5000

/** Where `text` is too much for the parser, and why; undefined where it is not. `bare` is from {@link blankText}. */
export function excess(bare: string): { offset: number; message: string } | undefined {
  if (Buffer.byteLength(bare) > maxFileBytes)
    return { offset: 0, message: `a policy file has at most ${maxFileBytes / 1024} KiB; split it` }
  let depth = 0
  let operators = 0
  for (const { 0: token, index } of bare.matchAll(tokens)) {
    if (token === ';') [depth, operators] = [0, 0]
    else if (token === ')' || token === ']' || token === '}') depth = Math.max(0, depth - 1)
    else if (token === '(' || token === '[' || token === '{') depth++
    else operators++
    if (token === '[') operators++
    if (depth > maxNesting) return { offset: index, message: `brackets nest deeper than ${maxNesting}` }
    if (operators > maxOperatorsPerPolicy)
      return { offset: index, message: `a policy has at most ${maxOperatorsPerPolicy} operators; split it` }
  }
  return undefined
}

/**
 * The same text, character for character, with comments blanked; with `strings`, the content of strings as well.
 * What remains has its brackets, operators and semicolons only where Cedar sees them.
 */
export function blankText(text: string, { strings }: { strings: boolean }): string {
  return text.replace(/\/\/[^\n]*|"(?:[^"\\]|\\[^])*"?/g, (found) =>
    found.startsWith('//') || strings ? found.replace(/[^\n]/g, ' ') : found,
  )
}

const tokens = /[;()[\]{}]|&&|\|\||[=!<>]=?|[-+*.]|\b(?:if|then|else|when|unless|in|is|has|like)\b/g
