import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../world/process.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import type { Explanation } from './explanations.ts'

/** What a suite gave on one route: by name, text. */
export type Outputs = ReadonlyMap<string, string>

export type Verdict =
  | 'equal'
  /** Different, and each difference is one that an explanation knows. */
  | 'explained'
  | 'different'
  /** Equal, and an explanation says that it is not: the explanation is out of date. */
  | 'unexpectedly equal'

export interface Compared {
  /** Such as `files/strings`. */
  readonly name: string
  readonly verdict: Verdict
  readonly reason?: string
  /** As `diff -U0` prints them: `-` direct, `+` through. Those without an explanation. */
  readonly hunks: readonly string[]
}

/** Byte by byte, but for a session's id, which is of chance. */
export async function compare(
  suite: string,
  direct: Outputs,
  through: Outputs,
  explanations: readonly Explanation[],
): Promise<readonly Compared[]> {
  const names = [...new Set([...direct.keys(), ...through.keys()])]
  return Promise.all(
    names.map(async (name) => {
      const one = direct.get(name) ?? 'did not run\n'
      const other = withoutChance(through.get(name) ?? 'did not run\n')
      const hunks = one === other ? [] : await differences(one, other)
      return judge(`${suite}/${name}`, hunks, explanations)
    }),
  )
}

export function judge(
  name: string,
  hunks: readonly string[],
  explanations: readonly Explanation[],
): Compared {
  const explanation = explanations.find((one) => one.name === name)
  if (explanation === undefined) return { name, verdict: hunks.length === 0 ? 'equal' : 'different', hunks }
  const { reason, like, isOfChance = false } = explanation
  if (hunks.length === 0)
    return isOfChance
      ? { name, verdict: 'equal', hunks }
      : { name, verdict: 'unexpectedly equal', reason, hunks }
  const rest = hunks.filter((hunk) => !like.test(hunk))
  return { name, verdict: rest.length === 0 ? 'explained' : 'different', reason, hunks: rest }
}

function withoutChance(text: string): string {
  return text.replaceAll(/\bses_[0-9A-HJKMNP-TV-Z]{26}\b/g, 'ses_…')
}

async function differences(direct: string, through: string): Promise<readonly string[]> {
  await using place = await temporaryDirectory()
  const paths = [join(place.path, 'direct'), join(place.path, 'through')] as const
  await writeFile(paths[0], direct)
  await writeFile(paths[1], through)
  const { stdout } = await run('diff', ['-a', '-U0', ...paths])
  return stdout.split(/^(?=@@ )/m).slice(1) // what is before the first says the paths
}
