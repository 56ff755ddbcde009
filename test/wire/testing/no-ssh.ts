import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { Duplex } from 'node:stream'
import { mintPermit, refusal, type OperationId } from '@sallyport/core'
import { SftpConversation } from '../../../packages/ssh/src/sftp/conversation.ts'
import { carry } from '../../../packages/ssh/src/transfer/carry.ts'
import type { FileParts } from '../../../packages/ssh/src/transfer/conversation.ts'
import type { FileOperation } from '../../../packages/ssh/src/transfer/operation.ts'

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
const server = spawn('/usr/lib/openssh/sftp-server', ['-e'], {
  stdio: [
    plan.isDirect === true ? 'inherit' : 'pipe',
    plan.isDirect === true ? 'inherit' : 'pipe',
    'inherit',
  ],
})
if (plan.isDirect !== true) await through()

async function through(): Promise<void> {
  const end = await carry({
    client: Duplex.from({ readable: process.stdin, writable: process.stdout }),
    target: Duplex.from({ readable: server.stdout!, writable: server.stdin! }),
    conversation: new SftpConversation(parts()),
    authorize: (operation) => {
      const refused = isRefused(operation)
      say({ asked: operation.text, request: operation.request, refused })
      if (refused) return refusal('denied', 'the test refuses this', 'Ask another test.')
      return mintPermit(++operations as OperationId, { maskedTags: new Set() }, 0)
    },
    commit: () => undefined,
    signal: new AbortController().signal,
  })
  say({ end: typeof end === 'string' ? end : end.code })
  process.exitCode = end === 'target-left' ? 0 : 1
  process.stdin.unref?.()
  process.stdin.destroy()
}

function isRefused({ request }: FileOperation): boolean {
  const { refused } = plan
  if (refused === undefined) return false
  return request.uses.some(
    ({ path }) => path.absolute.includes(refused) || path.resolved?.includes(refused) === true,
  )
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
