import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { Duplex, Writable } from 'node:stream'
import { mintPermit, refusal, type OperationId } from '@sallyport/core'
import { transferOf } from '../../../packages/ssh/src/facts/transfers.ts'
import { ScpConversation } from '../../../packages/ssh/src/scp/conversation.ts'
import { Places } from '../../../packages/ssh/src/scp/places.ts'
import { SftpConversation } from '../../../packages/ssh/src/sftp/conversation.ts'
import type { FileConversation, FileParts } from '../../../packages/ssh/src/transfer/conversation.ts'
import type { FileOperation } from '../../../packages/ssh/src/transfer/operation.ts'
import { carry } from './carry.ts'

/**
 * Stands where `ssh` stands for sftp and scp, without any SSH: runs the server's part here, and has every byte pass a conversation. What it
 * is asked and told goes to a file, a line each. NO_SSH: `direct` for no conversation, and what is refused.
 */
export interface Plan {
  readonly isDirect?: boolean
  readonly record?: string
  /** Refused is whatever touches a path that has this in it, by its letters or by where it leads. */
  readonly refused?: string
}

let operations = 0
const plan = JSON.parse(process.env['NO_SSH'] ?? '{}') as Plan
const pipe = plan.isDirect === true ? 'inherit' : 'pipe'
/** As ssh is called by scp: options, `--`, the host, and a command or the name of a subsystem. By sftp: as its server. */
const last = process.argv.at(-1) ?? ''
const command = last.startsWith('scp ') ? last : '/usr/lib/openssh/sftp-server'
const server = spawn('/bin/sh', ['-c', command], { stdio: [pipe, pipe, 'inherit'] })
if (plan.isDirect !== true) await through()

async function through(): Promise<void> {
  const end = await carry({
    client: Duplex.from({ readable: process.stdin, writable: process.stdout }),
    target: Duplex.from({ readable: server.stdout!, writable: toServer() }),
    conversation: conversation(),
    authorize: (operation) => {
      const refused = isRefused(operation)
      say({ asked: operation.text, refused })
      if (refused) return refusal('denied', 'the test refuses this', 'Ask another test.')
      return mintPermit(++operations as OperationId, { maskedTags: new Set() }, 0)
    },
  })
  say({ end: typeof end === 'string' ? end : end.code })
  process.exitCode = end === 'target-left' ? 0 : 1
  process.stdin.unref?.()
  process.stdin.destroy()
}

/** A server that has left hears nothing more, as over SSH; what it said before is still to be read. */
function toServer(): Writable {
  const stdin = server.stdin!
  stdin.on('error', () => undefined)
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => void stdin.write(chunk, () => done()),
    final: (done) => void stdin.end(done),
  })
}

function conversation(): FileConversation {
  const transfer = transferOf(command.split(' '))
  if (transfer?.protocol === 'sftp') return new SftpConversation(parts())
  if (transfer === undefined) throw new Error(`no transfer of files: ${command}`)
  const { arguments: paths, mustBeDirectory } = transfer
  const direction = transfer.protocol === 'scp-sink' ? 'upload' : 'download'
  const permit = mintPermit(++operations as OperationId, { maskedTags: new Set() }, 0)
  return new ScpConversation(parts(), new Places({ direction, paths, mustBeDirectory }), permit)
}

function isRefused({ facts }: FileOperation): boolean {
  const { refused } = plan
  const paths = facts.flatMap(({ context }) => context['paths'] as string[])
  return refused !== undefined && paths.some((path) => path.includes(refused))
}

function parts(): FileParts {
  return {
    note: (passage) => say({ note: passage }),
    finish: (permit, outcome) => say({ finished: permit.id, outcome }),
    refuse: (operation, refused) => {
      say({ asked: operation.text, refusedAs: refused.code })
      return refused
    },
    stands: () => true,
    say: (line) => void process.stderr.write(`${line}\n`),
  }
}

function say(line: object): void {
  if (plan.record !== undefined) appendFileSync(plan.record, `${JSON.stringify(line)}\n`)
}
