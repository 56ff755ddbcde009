import { keptOutputBytes } from '../limits.ts'
import type { ProgramTransfer } from './followed-files.ts'
import type { Program } from './program.ts'

/** How many bytes of each stream are kept, from its begin on: of the rest length and hash. Input only where the resource records it. */
export interface Keeping {
  readonly stdout: number
  readonly stderr: number
  readonly stdin: number
}

/** Undefined where all that passes is files: nothing of it is kept, and nothing masked. */
export function keepingOf(
  program: Program,
  transfer: Pick<ProgramTransfer, 'actions' | 'isCommand'> | undefined,
  hasTerminal: boolean,
): Keeping | undefined {
  if (transfer?.isCommand === false) return undefined
  // What happens in a shell nobody has judged: it is kept as a terminal is.
  if (hasTerminal || program.kind === 'shell')
    return { stdout: Infinity, stderr: Infinity, stdin: keptOutputBytes }
  if (transfer === undefined)
    return { stdout: keptOutputBytes, stderr: keptOutputBytes, stdin: keptOutputBytes }
  // What goes up is files on stdin; on stdout only words come back, those of hooks among them. What comes down is files on stdout.
  const isUpload = transfer.actions.includes('upload')
  return { stdout: isUpload ? keptOutputBytes : 0, stderr: keptOutputBytes, stdin: 0 }
}
