import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff'
import type { PolicyText } from './problem.ts'

/** What differs between two sets of policies, as a unified diff, file by file in the order of their names. Empty where nothing does. */
export function differenceOf(before: readonly PolicyText[], after: readonly PolicyText[]): string {
  const [old, now] = [textsOf(before), textsOf(after)]
  const names = [...new Set([...old.keys(), ...now.keys()])].sort((a, b) => (a < b ? -1 : 1))
  return names.map((name) => patchOf(name, old.get(name), now.get(name))).join('')
}

function textsOf(set: readonly PolicyText[]): ReadonlyMap<string, string> {
  return new Map(set.map(({ name, text }) => [name, text]))
}

function patchOf(name: string, before: string | undefined, after: string | undefined): string {
  if (before === after) return ''
  const labels = [labelOf('a', name, before), labelOf('b', name, after)] as const
  const texts = [before ?? '', after ?? ''] as const
  const patch =
    structuredPatch(...labels, ...texts, undefined, undefined, { context: 3, maxEditLength }) ??
    wholeOf(labels, texts)
  return formatPatch(patch, FILE_HEADERS_ONLY)
}

function labelOf(side: 'a' | 'b', name: string, text: string | undefined): string {
  return text === undefined ? '/dev/null' : `${side}/${name}.cedar`
}

/** All of the one for all of the other. */
function wholeOf([from, to]: readonly [string, string], [before, after]: readonly [string, string]) {
  const old = linesOf(before)
  const now = linesOf(after)
  const hunk = {
    oldStart: 1,
    oldLines: old.length,
    newStart: 1,
    newLines: now.length,
    lines: [...old.map((line) => `-${line}`), ...now.map((line) => `+${line}`)],
  }
  return { oldFileName: from, newFileName: to, oldHeader: undefined, newHeader: undefined, hunks: [hunk] }
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n')
}

/** Lines of difference up to which the least of them is looked for: that takes a time that grows with their square. */
const maxEditLength = 2000
