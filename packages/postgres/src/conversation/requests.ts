import { Fault, isRefusal, refusal, type Authorization, type Refusal } from '@sallyport/core'
import type { Outboxes, Verdict } from '@sallyport/wire'
import { calleeOf } from '../callees.ts'
import type { Field } from '../codec/backend.ts'
import {
  callOfNoFunction,
  closeUnnamed,
  decodeBind,
  decodeExecute,
  decodeFunctionCall,
  decodeNamed,
  decodeParse,
  decodeQuery,
  encodeBareBind,
  encodeDescribePortal,
  encodeExecute,
  encodeQuery,
  flush,
} from '../codec/frontend.ts'
import { Run, type FunctionOperation, type PostgresOperation, type Prepared } from '../operations.ts'
import type { RowMask } from '../masks.ts'
import type { Ledger } from './ledger.ts'
import { boundPortal, isBound, type Owed, type Portal } from './owed.ts'
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
      if (authorization.kind === 'permit') this.#ledger.finish(new Run(authorization, [], []), 'failed')
      return 'drop'
    }
    if (authorization.kind === 'refusal') {
      this.#refuse(asked, authorization, out)
      return 'drop'
    }
    if (asked.kind === 'late' && authorization.obligations.maskedTags.size > 0) {
      // Its columns were described as they were, and cannot be masked as they are.
      this.#ledger.finish(new Run(authorization, [], []), 'failed')
      this.#refuse(asked, changedSince, out)
      return 'drop'
    }
    const run = this.#ledger.begin(asked, authorization)
    const mask = this.#ledger.needsMask(run) ? undefined : 'clear'
    switch (asked.kind) {
      case 'query':
        this.#ledger.sent(run)
        this.#noteEncoding(run)
        this.#oweQuery(run, undefined)
        return 'pass'
      case 'bind': {
        const portal = boundPortal(run, mask, run.statement?.late === undefined ? undefined : asked)
        this.#parts.portals.propose(asked.portal, portal, true)
        this.#ledger.owed.push({ kind: 'bind', name: asked.portal, portal })
        return 'pass'
      }
      case 'cursor':
        this.#executePortal(asked.portal, boundPortal(run, mask), out)
        return 'pass'
      case 'late': {
        const portal = asked.portal as Portal
        this.#ledger.finish(portal.run, 'done')
        portal.run = run
        return this.#executeBound(asked.name, asked.maxRows, portal, out)
      }
      case 'function':
        this.#ledger.sent(run)
        this.#oweResult(run, mask ?? this.#resultMask(asked, run))
        return 'pass'
    }
  }

  query(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    this.#ledger.nextSegment()
    const text = this.#read(decodeQuery(chunk, from, to))
    if (isRefusal(text)) {
      this.#refuseQuery(text, out)
      return 'drop'
    }
    return {
      kind: 'query',
      text,
      parameters: [],
      binding: nothingMore,
      judgement: undefined,
    }
  }

  /** The judge has seen to it that nothing else is under way. */
  #noteEncoding({ statement }: Run): void {
    const { encoding } = this.#parts
    for (const effect of statement?.effects ?? [])
      if (effect.kind === 'client-encoding' && !encoding.isAlready(effect.value))
        encoding.changing(effect.value)
  }

  /** The statements of a text are a segment of their own. */
  #oweQuery(run: Run | undefined, mask: 'clear' | undefined, refusal?: Refusal): void {
    const pathSegment = this.#ledger.segmentSent()
    const owed: Owed = {
      kind: 'query',
      run,
      mask,
      pathSegment,
      ...(refusal === undefined ? undefined : { refusal }),
    }
    this.#ledger.owed.push(owed)
    this.#ledger.copyIn.sent(owed, run)
    this.#ledger.nextSegment()
  }

  /** Nothing runs on a Parse: its text is judged when it is bound, with its parameters. */
  parse(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict {
    const { encoding } = this.#parts
    const { name, text: bytes, typeIds } = decodeParse(chunk, from, to, encoding)
    this.#refuseOwnNames(name)
    const text = this.#read(bytes)
    const prepared: Prepared = { text: isRefusal(text) ? '' : text, typeIds }
    if (isRefusal(text)) {
      out.server.put(encodeBareBind('', this.#parts.marker))
      this.#ledger.owed.push({ kind: 'parse', name, prepared, refusal: text })
      return 'drop'
    }
    this.#parts.statements.propose(name, prepared)
    this.#ledger.owed.push({ kind: 'parse', name, prepared })
    return 'pass'
  }

  bind(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    const bind = decodeBind(chunk, from, to, this.#parts.encoding)
    this.#refuseOwnNames(bind.portal)
    this.#refuseOwnNames(bind.statement)
    const candidates = this.#parts.statements.candidates(bind.statement)
    if (candidates.length === 0 && bind.statement === '') {
      // The server says best that there is none, once it is sure that there is none.
      out.server.put(closeUnnamed)
      this.#ledger.owed.push({ kind: 'close', of: 'statement', name: '', isOurs: true })
      const portal = boundPortal(undefined, 'clear')
      this.#parts.portals.propose(bind.portal, portal, true)
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
    const { of, name } = decodeNamed(chunk, from, to, this.#parts.encoding)
    this.#refuseOwnNames(name)
    if (of === 'statement') this.#ledger.owed.push({ kind: 'describe-statement' })
    else {
      const opened = this.#parts.portals.candidates(name)
      const portal = opened.length > 0 && opened.every(isBound) ? this.#boundAs(opened) : undefined
      this.#ledger.owed.push({ kind: 'describe-portal', portal, isOurs: false })
    }
    return 'pass'
  }

  execute(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    const { portal: name, maxRows } = decodeExecute(chunk, from, to, this.#parts.encoding)
    this.#refuseOwnNames(name)
    const opened = this.#parts.portals.candidates(name)
    if (opened.length > 0 && opened.every(isBound)) {
      if (!this.#ledger.stand(opened)) {
        this.#refuseExecute({ refusal: permittedNoMore }, out)
        return 'drop'
      }
      return this.#ledger.areAsJudged(opened)
        ? this.#executeBound(name, maxRows, this.#boundAs(opened), out)
        : this.#askLate(name, maxRows, opened, out)
    }
    const candidates = opened.filter((one) => one.kind === 'cursor')
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
      isCertain: candidates.length === opened.length && this.#parts.portals.areCurrent(opened),
      parameters: [],
      binding: () => [String(maxRows), ...candidates.map((candidate) => candidate.text)],
      judgement: undefined,
    }
  }

  #executeBound(name: string, maxRows: number, portal: Portal, out: Outboxes): Verdict {
    this.#executePortal(name, portal, out)
    if (this.#parts.searchPath.isSettled) return 'pass'
    // Judgement waits for this statement's answer, which the server would keep back until the Sync behind it.
    out.server.put(encodeExecute(name, maxRows, this.#parts.encoding))
    out.server.put(flush)
    return 'drop'
  }

  /** A portal that would look up something else than it was judged by: asked about anew, where nothing of it ran. */
  #askLate(
    name: string,
    maxRows: number,
    opened: readonly Portal[],
    out: Outboxes,
  ): Verdict | PostgresOperation {
    const portal = opened.length === 1 ? opened[0] : undefined
    if (portal?.asked === undefined || portal.run?.isSent !== false) {
      this.#refuseExecute({ refusal: changedSince }, out)
      return 'drop'
    }
    const { asked } = portal
    return {
      kind: 'late',
      portal,
      name,
      maxRows,
      text: asked.text,
      candidates: asked.candidates,
      parameters: asked.parameters,
      binding: () => asked.binding(),
      judgement: undefined,
    }
  }

  /** The portal that a name with these candidates stands for. */
  #boundAs(opened: readonly Portal[]): Portal {
    return this.#ledger.portalFor(opened, this.#parts.portals.areCurrent(opened))
  }

  #executePortal(name: string, portal: Portal, out: Outboxes): void {
    if (portal.mask === undefined) {
      // Masks go by the columns, and the client may not have asked for them: we do.
      out.server.put(encodeDescribePortal(name, this.#parts.encoding))
      this.#ledger.owed.push({ kind: 'describe-portal', portal, isOurs: true })
    }
    const changesPath = portal.run === undefined ? undefined : this.#ledger.sent(portal.run)
    const owed = { kind: 'execute', portal, changesPath } as const
    this.#ledger.owed.push(owed)
    this.#ledger.copyIn.sent(owed, portal.run)
  }

  close(chunk: Buffer, from: number, to: number): Verdict {
    const { of, name } = decodeNamed(chunk, from, to, this.#parts.encoding)
    this.#refuseOwnNames(name)
    this.#ledger.owed.push({ kind: 'close', of, name, isOurs: false })
    return 'pass'
  }

  functionCall(chunk: Buffer, from: number, to: number): PostgresOperation {
    const { oid, parameters, resultFormat } = decodeFunctionCall(chunk, from, to, this.#parts.encoding)
    this.#ledger.nextSegment()
    const callee = calleeOf(oid)
    return {
      kind: 'function',
      callee,
      resultFormat,
      text: callee?.text ?? `function call of OID ${oid}`,
      parameters,
      binding: () => ['function call', String(resultFormat)],
      judgement: undefined,
    }
  }

  /** The result comes without a description: its type is known. */
  #resultMask({ callee, resultFormat }: FunctionOperation, run: Run): RowMask | 'clear' {
    if (callee === undefined) throw new TypeError('a function that is not offered was permitted')
    const { name, resultTypeId: typeOid } = callee
    const field: Field = { name, tableOid: 0, attnum: 0, typeOid, typmod: -1, format: resultFormat }
    const outputs = run.statement?.outputs ?? 'unknown'
    return this.#parts.masks.rows([field], outputs, run.permit.obligations.maskedTags) ?? 'clear'
  }

  /** A call is a segment of its own. */
  #oweResult(run: Run | undefined, mask: RowMask | 'clear', refused?: Refusal): void {
    const pathSegment = this.#ledger.segmentSent()
    this.#ledger.owed.push({
      kind: 'function',
      run,
      mask,
      pathSegment,
      ...(refused === undefined ? undefined : { refusal: refused }),
    })
    this.#ledger.nextSegment()
  }

  #refuse(asked: PostgresOperation, refused: Refusal, out: Outboxes): void {
    switch (asked.kind) {
      case 'query':
        return this.#refuseQuery(refused, out)
      case 'bind':
        return this.#refuseBind(asked.portal, { refusal: refused }, out)
      case 'cursor':
      case 'late':
        return this.#refuseExecute({ refusal: refused }, out)
      case 'function':
        out.server.put(callOfNoFunction)
        return this.#oweResult(undefined, 'clear', refused)
    }
  }

  #refuseQuery(refused: Refusal, out: Outboxes): void {
    out.server.put(encodeQuery(this.#parts.marker))
    this.#oweQuery(undefined, 'clear', refused)
  }

  #refuseBind(
    name: string,
    why: { readonly refusal: Refusal } | { readonly missing: string },
    out: Outboxes,
  ): void {
    out.server.put(encodeBareBind(name, this.#parts.marker, this.#parts.encoding))
    const portal = boundPortal(undefined, 'clear')
    this.#parts.portals.propose(name, portal, true)
    this.#ledger.owed.push({ kind: 'bind', name, portal, ...why })
  }

  #refuseExecute(why: { readonly refusal: Refusal } | { readonly missing: string }, out: Outboxes): void {
    out.server.put(encodeExecute(this.#parts.marker, 0))
    this.#ledger.owed.push({
      kind: 'execute',
      portal: boundPortal(undefined, 'clear'),
      ...why,
    })
  }

  /** A statement, or why it cannot be read. */
  #read(bytes: Buffer): string | Refusal {
    const { encoding } = this.#parts
    if (!encoding.isSureOf(bytes)) return notSure
    const text = encoding.decode(bytes)
    if (text !== undefined) return text
    const { name } = encoding.current
    return refusal('unparsed', `the statement is not valid ${name}`, 'Set client_encoding to what it is in.')
  }

  /** A client that could create the marker could turn our refusals into its own results. */
  #refuseOwnNames(name: string): void {
    if (name === this.#parts.marker) throw new Fault('client/malformed', 'this name is reserved')
  }
}

const permittedNoMore = refusal(
  'denied',
  'what this portal was bound to do is not permitted as it was any more',
  'Bind it again: it is judged anew.',
)
const changedSince = refusal(
  'unsupported',
  'what this portal refers to was changed after it was bound',
  'Bind it again.',
)

const notSure = refusal(
  'unsupported',
  'text beside ASCII was sent behind a call of code that is not known, which may change client_encoding',
  'Send it when the call has been answered.',
)

const nothingMore = (): readonly string[] => []
