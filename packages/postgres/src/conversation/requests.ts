import { isUtf8 } from 'node:buffer'
import { Fault, refusal, type Authorization, type Refusal } from '@sallyport/core'
import type { Outboxes, Verdict } from '@sallyport/wire'
import {
  callOfNoFunction,
  decodeBind,
  decodeExecute,
  decodeNamed,
  decodeParse,
  decodeQuery,
  encodeBareBind,
  encodeDescribePortal,
  encodeExecute,
  encodeQuery,
  flush,
} from '../codec/frontend.ts'
import { Run, type PostgresOperation, type Prepared } from '../operations.ts'
import type { Ledger, Portal } from './ledger.ts'
import type { ConversationParts } from './parts.ts'

/** What clients say: what is asked about, what passes, and what takes the place of a refused operation. */
export class Requests {
  readonly #parts: ConversationParts
  readonly #ledger: Ledger

  constructor(parts: ConversationParts, ledger: Ledger) {
    this.#parts = parts
    this.#ledger = ledger
  }

  settle(asked: PostgresOperation, authorization: Authorization, out: Outboxes): Verdict {
    if (this.#ledger.isSkipping) {
      // The pipeline failed while this was judged: the server would ignore it, and so it does not happen.
      for (const statement of asked.judgement?.statements ?? []) this.#ledger.unname(statement)
      if (authorization.kind === 'permit') this.#ledger.finish(new Run(authorization, []), 'failed')
      return 'drop'
    }
    if (authorization.kind === 'refusal') {
      for (const statement of asked.judgement?.statements ?? []) this.#ledger.unname(statement)
      this.#refuse(asked, authorization, out)
      return 'drop'
    }
    const run = this.#ledger.begin(asked, authorization)
    switch (asked.kind) {
      case 'query':
        this.#ledger.owed.push({ kind: 'query', run, mask: undefined, copyEnds: this.#ledger.copyEnds })
        return 'pass'
      case 'bind': {
        const portal: Portal = { run, mask: this.#ledger.needsMask(run) ? undefined : 'clear' }
        this.#ledger.portals.propose(asked.portal, portal)
        this.#ledger.owed.push({ kind: 'bind', name: asked.portal, portal })
        return 'pass'
      }
      case 'cursor':
        this.#executePortal(
          asked.portal,
          { run, mask: this.#ledger.needsMask(run) ? undefined : 'clear' },
          out,
        )
        return 'pass'
    }
  }

  query(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    this.#ledger.nextSegment()
    const bytes = decodeQuery(chunk, from, to)
    if (!isUtf8(bytes)) {
      out.server.put(encodeQuery(this.#parts.marker))
      this.#ledger.owed.push({
        kind: 'query',
        run: undefined,
        mask: 'clear',
        refusal: invalidEncoding,
      })
      return 'drop'
    }
    return {
      kind: 'query',
      text: bytes.toString('utf8'),
      parameters: [],
      binding: nothingMore,
      judgement: undefined,
    }
  }

  /** Nothing runs on a Parse: its text is judged when it is bound, with its parameters. */
  parse(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict {
    const { name, text, typeIds } = decodeParse(chunk, from, to)
    this.#refuseOwnNames(name)
    const prepared: Prepared = { text: isUtf8(text) ? text.toString('utf8') : '', typeIds }
    if (!isUtf8(text)) {
      out.server.put(encodeBareBind('', this.#parts.marker))
      this.#ledger.owed.push({ kind: 'parse', name, prepared, refusal: invalidEncoding })
      return 'drop'
    }
    this.#parts.statements.propose(name, prepared)
    this.#ledger.owed.push({ kind: 'parse', name, prepared })
    return 'pass'
  }

  bind(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    const bind = decodeBind(chunk, from, to)
    this.#refuseOwnNames(bind.portal)
    this.#refuseOwnNames(bind.statement)
    const candidates = this.#parts.statements.candidates(bind.statement)
    if (candidates.length === 0 && bind.statement === '') {
      // Every unnamed statement came through here: the server has none either, and says so best itself.
      const portal: Portal = { run: undefined, mask: 'clear' }
      this.#ledger.portals.propose(bind.portal, portal)
      this.#ledger.owed.push({ kind: 'bind', name: bind.portal, portal })
      return 'pass'
    }
    if (candidates.length === 0) {
      this.#refuseBind(bind.portal, { missing: bind.statement }, out)
      return 'drop'
    }
    return {
      kind: 'bind',
      portal: bind.portal,
      text:
        candidates.length === 1
          ? candidates[0]!.text
          : candidates.map((candidate) => candidate.text).join(';\n'),
      candidates,
      parameters: bind.parameters,
      binding: () => candidates.map((candidate) => candidate.typeIds.join(',')),
      judgement: undefined,
    }
  }

  describe(chunk: Buffer, from: number, to: number): Verdict {
    const { of, name } = decodeNamed(chunk, from, to)
    this.#refuseOwnNames(name)
    if (of === 'statement') this.#ledger.owed.push({ kind: 'describe-statement' })
    else
      this.#ledger.owed.push({ kind: 'describe-portal', portal: this.#ledger.portalFor(name), isOurs: false })
    return 'pass'
  }

  execute(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    const { portal: name, maxRows } = decodeExecute(chunk, from, to)
    this.#refuseOwnNames(name)
    const portal = this.#ledger.portalFor(name)
    if (portal !== undefined) {
      this.#executePortal(name, portal, out)
      if (this.#parts.searchPath.isSettled) return 'pass'
      // Judgement waits for this statement's answer, which the server would keep back until the Sync behind it.
      out.server.put(encodeExecute(name, maxRows))
      out.server.put(flush)
      return 'drop'
    }
    const candidates = this.#parts.cursors.candidates(name)
    if (candidates.length === 0) {
      this.#refuseExecute({ missing: name }, out)
      return 'drop'
    }
    return {
      kind: 'cursor',
      portal: name,
      maxRows,
      text: `FETCH FROM "${name.replaceAll('"', '""')}"`,
      candidates,
      parameters: [],
      binding: () => [String(maxRows), ...candidates.map((candidate) => candidate.text)],
      judgement: undefined,
    }
  }

  #executePortal(name: string, portal: Portal, out: Outboxes): void {
    if (portal.mask === undefined) {
      // Masks go by the columns, and the client may not have asked for them: we do.
      out.server.put(encodeDescribePortal(name))
      this.#ledger.owed.push({ kind: 'describe-portal', portal, isOurs: true })
    }
    this.#ledger.owed.push({ kind: 'execute', portal, copyEnds: this.#ledger.copyEnds })
  }

  close(chunk: Buffer, from: number, to: number): Verdict {
    const { of, name } = decodeNamed(chunk, from, to)
    this.#refuseOwnNames(name)
    this.#ledger.owed.push({ kind: 'close', of, name })
    return 'pass'
  }

  functionCall(out: Outboxes): Verdict {
    out.server.put(callOfNoFunction)
    this.#ledger.owed.push({
      kind: 'function',
      refusal: refusal(
        'unsupported',
        'the function call message is not offered: call the function by SELECT',
        undefined,
      ),
    })
    return 'drop'
  }

  #refuse(asked: PostgresOperation, refused: Refusal, out: Outboxes): void {
    switch (asked.kind) {
      case 'query':
        out.server.put(encodeQuery(this.#parts.marker))
        this.#ledger.owed.push({
          kind: 'query',
          run: undefined,
          mask: 'clear',
          refusal: refused,
        })
        return
      case 'bind':
        return this.#refuseBind(asked.portal, { refusal: refused }, out)
      case 'cursor':
        return this.#refuseExecute({ refusal: refused }, out)
    }
  }

  #refuseBind(
    name: string,
    why: { readonly refusal: Refusal } | { readonly missing: string },
    out: Outboxes,
  ): void {
    out.server.put(encodeBareBind(name, this.#parts.marker))
    const portal: Portal = { run: undefined, mask: 'clear' }
    this.#ledger.portals.propose(name, portal)
    this.#ledger.owed.push({ kind: 'bind', name, portal, ...why })
  }

  #refuseExecute(why: { readonly refusal: Refusal } | { readonly missing: string }, out: Outboxes): void {
    out.server.put(encodeExecute(this.#parts.marker, 0))
    this.#ledger.owed.push({ kind: 'execute', portal: { run: undefined, mask: 'clear' }, ...why })
  }

  /** A client that could create the marker could turn our refusals into its own results. */
  #refuseOwnNames(name: string): void {
    if (name === this.#parts.marker) throw new Fault('client/malformed', 'this name is reserved')
  }
}

const invalidEncoding = refusal(
  'unparsed',
  'the statement is not valid UTF-8',
  'Set client_encoding to UTF8.',
)

const nothingMore = (): readonly string[] => []
