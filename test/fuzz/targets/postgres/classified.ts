import type { Facts } from '@sallyport/core'
import type { Analysis } from '../../../../packages/postgres/src/facts/analysis.ts'
import { actions, facts as factSpecs } from '../../../../packages/postgres/src/vocabulary.ts'
import { must } from '../../target.ts'

const known: ReadonlySet<string> = new Set(actions.map(({ name }) => name))

/** What holds of every analysis, whatever the text. */
export function checkAnalysis(text: string, analysis: Analysis): void {
  const { facts, statements, refusal } = analysis
  must(facts.length === statements.length, () => `${facts.length} facts of ${statements.length} statements`)
  if (facts.length === 0 && refusal === undefined)
    must(isEmpty(text), () => `no facts of a text that is not empty: ${JSON.stringify(text)}`)
  facts.forEach((one, i) => {
    checkFacts(one)
    const isUnparsed = statements[i]!.kind === 'unparsed'
    must(
      !isUnparsed || one.actions.includes('unparsed'),
      () => `not understood, but ${one.actions.join(', ')}`,
    )
  })
  for (const { outputs, tags } of statements) {
    if (typeof outputs === 'string') continue
    for (const { tags: of } of outputs)
      must(
        of.every((tag) => tags.includes(tag)),
        () => 'an output carries a tag that its statement does not',
      )
  }
}

function checkFacts(facts: Facts): void {
  must(facts.actions.length > 0, () => 'facts without an action')
  const all = [...facts.actions, ...facts.objects.flatMap((object) => object.actions)]
  for (const action of all) must(known.has(action), () => `an action that policies cannot name: ${action}`)
  for (const { name, type } of factSpecs) {
    const value = facts.context[name]
    const isRight = type === 'strings' ? Array.isArray(value) : typeof value === type
    must(isRight, () => `fact ${name} is no ${type}: ${JSON.stringify(value)}`)
  }
}

/** Nothing but white space, semicolons and comments, by a reading of our own. */
function isEmpty(text: string): boolean {
  let at = 0
  while (at < text.length) {
    if (/[ \t\n\r\f\v;]/.test(text[at]!)) at++
    else if (text.startsWith('--', at))
      while (at < text.length && text[at] !== '\n' && text[at] !== '\r') at++
    else if (text.startsWith('/*', at)) {
      let depth = 0
      do {
        if (text.startsWith('/*', at)) [depth, at] = [depth + 1, at + 2]
        else if (text.startsWith('*/', at)) [depth, at] = [depth - 1, at + 2]
        else at++
      } while (depth > 0 && at < text.length)
      if (depth > 0) return false
    } else return false
  }
  return true
}
