import { refusal, type Refusal } from '@sallyport/core'
import { transferOfCommand } from '../facts/command.ts'
import { maxCommandBytes } from '../limits.ts'
import { sftpTransfer, type ProgramTransfer } from './followed-files.ts'

/** What a client asks a session channel to run. Names and commands are bytes, and these very bytes are what runs. */
export type Program =
  | { readonly kind: 'shell' }
  | { readonly kind: 'exec'; readonly command: Buffer }
  | { readonly kind: 'subsystem'; readonly name: Buffer }

export function transferOf(program: Program): ProgramTransfer | undefined {
  switch (program.kind) {
    case 'shell':
      return undefined
    case 'exec':
      return transferOfCommand(program.command)
    case 'subsystem':
      return sftpTransfer
  }
}

/** What no shell could run, or what we would not know how to show. */
export function refusedByItself(program: Program): Refusal | undefined {
  switch (program.kind) {
    case 'shell':
      return undefined
    case 'exec':
      if (program.command.length > maxCommandBytes)
        return refusal('too-complex', `the command is longer than ${maxCommandBytes} bytes`)
      // It would end the command for the target, and not for us.
      return program.command.includes(0) ? refusal('unparsed', 'the command has a NUL in it') : undefined
    case 'subsystem':
      return program.name.toString('latin1') === 'sftp'
        ? undefined
        : refusal('unsupported', 'sftp is the only subsystem here')
  }
}

export function requestOf(program: Program): [string, Buffer[]] {
  switch (program.kind) {
    case 'shell':
      return ['shell', []]
    case 'exec':
      return ['exec', [program.command]]
    case 'subsystem':
      return ['subsystem', [program.name]]
  }
}
