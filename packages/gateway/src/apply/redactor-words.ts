import type { RedactorDeclaration } from '@sallyport/api'
import type { Redactor } from '@sallyport/core'

/** The common case has a name of its own. */
const commonCount = 4

/** A redactor by the words of a document. */
export function redactorOf(declared: RedactorDeclaration): Redactor {
  if (declared === null) return { kind: 'null' }
  if (declared === 'keep-last-4') return { kind: 'keep-last', count: commonCount }
  if (typeof declared === 'string') return { kind: declared }
  if ('fixed' in declared) return { kind: 'fixed', text: declared.fixed }
  return { kind: 'keep-last', count: declared['keep-last'] }
}

/** The words that make this redactor: the same for each, so that they can be compared. */
export function wordsOf(redactor: Redactor): RedactorDeclaration {
  switch (redactor.kind) {
    case 'fixed':
      return { fixed: redactor.text }
    case 'keep-last':
      return redactor.count === commonCount ? 'keep-last-4' : { 'keep-last': redactor.count }
    default:
      return redactor.kind
  }
}
