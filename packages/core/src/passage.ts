import type { OperationId } from './ids.ts'

/** What passes while an operation goes on: a shell, a command, a transfer of files. `id` is of the permitted operation. */
export type Passage =
  | {
      /** It runs in a terminal, from here on of this size. */
      readonly kind: 'terminal'
      readonly id: OperationId
      readonly columns: number
      readonly rows: number
      /** Its type, such as `xterm-256color`. */
      readonly term: string
    }
  | {
      /** What the client got, after masking. */
      readonly kind: 'output'
      readonly id: OperationId
      readonly stream: 'stdout' | 'stderr'
      readonly bytes: Uint8Array
    }
  | {
      /** What the client sent, only where the resource asks for it: people type passwords. */
      readonly kind: 'input'
      readonly id: OperationId
      readonly bytes: Uint8Array
    }
  | {
      /** More came than is kept: these many bytes of the stream are not in the recording, and have this hash. */
      readonly kind: 'output-left-out'
      readonly id: OperationId
      readonly stream: 'stdout' | 'stderr' | 'stdin'
      readonly sizeBytes: number
      /** Hex, of what was left out. */
      readonly sha256: string
    }
  | {
      /** A file went from one side to the other, or a part of it. */
      readonly kind: 'transfer'
      readonly id: OperationId
      readonly direction: 'upload' | 'download'
      readonly path: string
      readonly sizeBytes: number
      /** Hex, of the bytes that passed, in the file's order; absent where they did not pass in order. */
      readonly sha256?: string
      /** It was opened, passed from its start and closed without an error. */
      readonly isWhole: boolean
    }
  | {
      /** A command as it was seen on a terminal's screen: a help for searching, no proof. */
      readonly kind: 'command-seen'
      readonly id: OperationId
      readonly text: string
    }
