import type { Permit } from '@sallyport/core'
import type { Transfer } from '../facts/transfers.ts'
import { ScpConversation } from '../scp/conversation.ts'
import { Places } from '../scp/places.ts'
import { SftpConversation } from '../sftp/conversation.ts'
import type { FileConversation, FileParts } from '../transfer/conversation.ts'
import type { ChannelHost } from './host.ts'

/** A program that moves files. */
export type ProgramTransfer = Pick<
  Transfer,
  'protocol' | 'actions' | 'arguments' | 'mustBeDirectory' | 'isCommand'
>

/** The subsystem sftp, as a command would be. */
export const sftpTransfer: ProgramTransfer = {
  protocol: 'sftp',
  actions: [],
  arguments: [],
  mustBeDirectory: false,
  isCommand: false,
}

/**
 * What follows the files that pass, one by one. Undefined where they pass as they are: rsync's and git's own forms are not read.
 * @param permit of the program
 * @param say tells the user something beside the protocol
 */
export function followed(
  transfer: ProgramTransfer,
  host: ChannelHost,
  permit: Permit,
  say: (line: string) => void,
): FileConversation | undefined {
  const parts: FileParts = {
    note: host.note,
    finish: (its, outcome) => host.finish(its, outcome),
    refuse: (operation, refused) => host.refuse(operation, refused),
    stands: (its, operation) => host.stands(its, operation.facts),
    say,
  }
  switch (transfer.protocol) {
    case 'sftp':
      return new SftpConversation(parts)
    case 'scp-sink':
    case 'scp-source': {
      const direction = transfer.protocol === 'scp-sink' ? 'upload' : 'download'
      const { arguments: paths, mustBeDirectory } = transfer
      return new ScpConversation(parts, new Places({ direction, paths, mustBeDirectory }), permit)
    }
    case 'rsync':
    case 'git':
      return undefined
  }
}
