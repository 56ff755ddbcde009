import { frameLength } from '../../../../packages/postgres/src/codec/tags.ts'
import { cstring, int16, int32, message } from '../../../world/raw-messages.ts'
import { once, type Choices } from '../../random.ts'
import { commandComplete, dataRow, functionResult, marker, ready, rowDescription } from './words.ts'

/** What a masked statement's rows hold: it must never reach a client. */
export const secret = 'S3CRET'

/**
 * PostgreSQL's protocol as its documentation has it, without a database: statements are words, and some of them fail. It answers
 * what it is sent, in order, and never breaks a rule.
 * @see https://www.postgresql.org/docs/18/protocol-flow.html
 */
export class SmallServer {
  readonly #choices: Choices
  readonly #statements = new Map<string, string>()
  /** The text of each, and how many rows are left. */
  readonly #portals = new Map<string, { readonly text: string; rows: number }>()
  #status: 'I' | 'T' | 'E' = 'I'
  #isSkipping = false
  #copyIn: 'simple' | 'extended' | undefined
  #rest: Buffer = Buffer.alloc(0)
  #said: Buffer[] = []

  constructor(choices: Choices) {
    this.#choices = choices
  }

  /** Whole messages, or parts of them. @returns the answers to those that are whole */
  receive(bytes: Buffer): readonly Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes])
    while (this.#rest.length >= 5) {
      const length = frameLength('client', this.#rest, 0)
      if (length > this.#rest.length) break
      this.#message(String.fromCharCode(this.#rest[0]!), this.#rest.subarray(5, length))
      this.#rest = this.#rest.subarray(length)
      if (once(this.#choices, 20)) this.#say(aside)
    }
    return this.#said.splice(0)
  }

  #message(letter: string, body: Buffer): void {
    if (this.#copyIn !== undefined && 'dcfSH'.includes(letter)) return this.#copying(letter)
    if (this.#isSkipping && letter !== 'S' && letter !== 'X') return
    switch (letter) {
      case 'Q':
        return this.#query(words(body, 1)[0]!)
      case 'P':
        return this.#parse(words(body, 2))
      case 'B':
        return this.#bind(words(body, 2))
      case 'D':
        return this.#describe(String.fromCharCode(body[0]!), words(body.subarray(1), 1)[0]!)
      case 'E': {
        const [name] = words(body, 1)
        return this.#execute(name!, body.readInt32BE(Buffer.byteLength(name!) + 1))
      }
      case 'C': {
        const [name] = words(body.subarray(1), 1)
        if (body[0] === 0x53) this.#statements.delete(name!)
        else this.#portals.delete(name!)
        return this.#say(message('3'))
      }
      case 'F':
        return this.#call(body.readUInt32BE(0))
      case 'S':
        this.#isSkipping = false
        return this.#ready()
    }
  }

  #call(oid: number): void {
    if (oid === 0 || this.#status === 'E' || once(this.#choices, 5)) this.#fail('42883')
    else this.#say(functionResult(oid === 954 ? secret : 'plain'))
    this.#isSkipping = false
    this.#ready()
  }

  #query(text: string): void {
    this.#statements.delete('')
    this.#portals.delete('')
    for (const statement of text.split(';').map((it) => it.trim())) {
      if (statement === '' && text.trim() === '') this.#say(message('I'))
      if (statement === '') continue
      if (!this.#mayRun(statement)) {
        this.#fail(statement === marker ? '42601' : '22012')
        break
      }
      if (this.#run(statement, 'simple', undefined)) return
    }
    this.#isSkipping = false
    this.#ready()
  }

  #mayRun(text: string): boolean {
    if (text === marker) return false
    if (this.#status === 'E') return /^(commit|rollback)/.test(text)
    return !text.includes('fails') && !once(this.#choices, 12)
  }

  /** @returns true where it waits for the client's COPY */
  #run(text: string, how: 'simple' | 'extended', portal: { rows: number } | undefined, maxRows = 0): boolean {
    const [verb = '', name = ''] = text.split(' ')
    switch (verb) {
      case 'begin':
        this.#status = 'T'
        this.#say(commandComplete('BEGIN'))
        return false
      case 'commit':
      case 'rollback':
        this.#say(commandComplete(this.#status === 'E' || verb === 'rollback' ? 'ROLLBACK' : 'COMMIT'))
        this.#status = 'I'
        // Those of a transaction end with it, the one that ended it too.
        this.#portals.clear()
        return false
      case 'prepare':
        this.#statements.set(name, `select ${name}`)
        this.#say(commandComplete('PREPARE'))
        return false
      case 'deallocate':
        if (name === '') this.#statements.clear()
        this.#statements.delete(name)
        this.#say(commandComplete('DEALLOCATE'))
        return false
      case 'copyin':
        this.#copyIn = how
        this.#say(message('G', Buffer.of(0), int16(1), int16(0)))
        return true
      case 'copyout':
        this.#say(message('H', Buffer.of(0), int16(1), int16(0)))
        for (let row = this.#choices.below(4); row > 0; row--)
          this.#say(message('d', Buffer.from(`${contentOf(text)}\n`)))
        this.#say(message('c'))
        this.#say(commandComplete('COPY 1'))
        return false
      case 'select':
      case 'masked': {
        if (how === 'simple') this.#say(rowDescription('a', 'b'))
        const all = portal?.rows ?? this.#choices.below(5)
        const some = maxRows > 0 ? Math.min(all, maxRows) : all
        for (let row = 0; row < some; row++)
          this.#say(dataRow(contentOf(text), once(this.#choices, 3) ? null : contentOf(text)))
        if (portal !== undefined) portal.rows = all - some
        // As the server does: a portal that gave as many rows as were asked for is suspended, even where none is left.
        if (maxRows > 0 && some === maxRows) this.#say(message('s'))
        else this.#say(commandComplete(`SELECT ${some}`))
        return false
      }
      default:
        this.#say(commandComplete('SET'))
        return false
    }
  }

  #parse([name = '', text = '']: readonly string[]): void {
    if (name !== '' && this.#statements.has(name)) return this.#fail('42P05')
    if (this.#status === 'E' && !/^(commit|rollback)/.test(text)) return this.#fail('25P02')
    if (text.includes('syntax')) return this.#fail('42601')
    this.#statements.set(name, text)
    this.#say(message('1'))
  }

  #bind([portal = '', statement = '']: readonly string[]): void {
    const text = this.#statements.get(statement)
    if (text === undefined) return this.#fail('26000')
    if (this.#status === 'E' && !/^(commit|rollback)/.test(text)) return this.#fail('25P02')
    if (portal !== '' && this.#portals.has(portal)) return this.#fail('42P03')
    if (once(this.#choices, 15)) return this.#fail('22P02')
    this.#portals.set(portal, { text, rows: this.#choices.below(6) })
    this.#say(message('2'))
  }

  #describe(kind: string, name: string): void {
    const text = kind === 'S' ? this.#statements.get(name) : this.#portals.get(name)?.text
    if (text === undefined) return this.#fail(kind === 'S' ? '26000' : '34000')
    if (kind === 'S') this.#say(message('t', int16(0)))
    this.#say(/^(select|masked)/.test(text) ? rowDescription('a', 'b') : message('n'))
  }

  #execute(name: string, maxRows: number): void {
    const portal = this.#portals.get(name)
    if (portal === undefined) return this.#fail('34000')
    if (portal.text === '') return this.#say(message('I'))
    if (!this.#mayRun(portal.text)) return this.#fail('22012')
    this.#run(portal.text, 'extended', portal, maxRows)
  }

  /** Sync and Flush are ignored while a COPY comes in. */
  #copying(letter: string): void {
    if (letter === 'S' || letter === 'H') return
    const how = this.#copyIn
    if (letter === 'd' && !once(this.#choices, 30)) return
    this.#copyIn = undefined
    if (letter === 'c') this.#say(commandComplete('COPY 1'))
    else this.#fail(letter === 'f' ? '57014' : '22P04')
    if (how === 'simple') {
      this.#isSkipping = false
      this.#ready()
    }
  }

  #fail(code: string): void {
    if (this.#status === 'T') this.#status = 'E'
    this.#isSkipping = true
    this.#say(message('E', ...['SERROR', 'VERROR', `C${code}`, `Mno "${marker}"`].map(cstring), Buffer.of(0)))
  }

  #ready(): void {
    if (this.#status === 'I') this.#portals.clear()
    this.#say(ready(this.#status))
  }

  #say(frame: Buffer): void {
    this.#said.push(frame)
  }
}

/** What servers say at any time. */
const aside = Buffer.concat([
  message('N', ...['SNOTICE', 'VNOTICE', 'C00000', 'Mnote'].map(cstring), Buffer.of(0)),
  message('S', cstring('application_name'), cstring('x')),
  message('A', int32(7), cstring('channel'), cstring('')),
])

function contentOf(text: string): string {
  return text.includes('masked') ? secret : 'plain'
}

function words(body: Buffer, count: number): string[] {
  return body.toString('utf8').split('\0', count)
}
