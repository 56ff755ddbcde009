import { ApiError, type Client, type RecordedLine } from '@sallyport/api'
import { replayLine } from '../replay.ts'
import type { Printer } from '../printer.ts'
import type { Surroundings } from '../surroundings.ts'
import { HarmlessOutput, restored } from './harmless.ts'
import { Keys } from './keys.ts'
import { bytesOf } from './recorded.ts'

/** How often we say that we are still there. */
const sayMs = 10_000

export interface WatchOptions {
  readonly id: string
  /** What was before is shown first. */
  readonly fromStart: boolean
  readonly asJson: boolean
}

/**
 * Shows a session while it goes on, until it ends or whoever is at the keys has seen enough.
 * @returns why there is nothing more
 */
export async function watch(
  client: Client,
  { id, fromStart, asJson }: WatchOptions,
  surroundings: Surroundings,
  printer: Printer,
): Promise<string> {
  await using keys = new Keys(surroundings.input)
  const view = asJson ? new Lines(surroundings) : new Screen(surroundings, printer)
  let timer: NodeJS.Timeout | undefined
  try {
    for await (const line of client.sessions.watch({ id }, { signal: keys.quit })) {
      switch (line.kind) {
        case 'watching': {
          const name = String(line['watch'])
          const say = (): void =>
            void client.sessions.stillWatching({ id, watch: name }).catch(() => undefined)
          timer = setInterval(say, sayMs)
          if (fromStart) for await (const past of client.sessions.events({ id })) view.show(past)
          break
        }
        case 'watching-ended':
          return String(line['reason'])
        case 'nothing-new':
          break
        default:
          view.show(line)
      }
    }
    return 'the connection has ended'
  } catch (thrown) {
    if (keys.hasQuit && thrown instanceof ApiError) return 'you left'
    throw thrown
  } finally {
    clearInterval(timer)
    view.end()
  }
}

/** Each event once, though the past and the present overlap. */
abstract class View {
  #shown = 0

  show(line: RecordedLine): void {
    if (line.sequence <= this.#shown) return
    this.#shown = line.sequence
    this.draw(line)
  }

  protected abstract draw(line: RecordedLine): void

  end(): void {}
}

class Lines extends View {
  readonly #surroundings: Surroundings

  constructor(surroundings: Surroundings) {
    super()
    this.#surroundings = surroundings
  }

  protected draw(line: RecordedLine): void {
    this.#surroundings.output.write(`${JSON.stringify(line)}\n`)
  }
}

/** What terminals and commands put out, as they did, and lines for all else. */
class Screen extends View {
  readonly #surroundings: Surroundings
  readonly #printer: Printer
  readonly #outputs = new Map<
    string,
    { readonly decoder: InstanceType<typeof TextDecoder>; readonly harmless: HarmlessOutput }
  >()
  readonly #inTerminal = new Set<unknown>()
  #beganAt: number | undefined
  /** Whose output was shown last. */
  #of: unknown
  #isMidLine = false

  constructor(surroundings: Surroundings, printer: Printer) {
    super()
    this.#surroundings = surroundings
    this.#printer = printer
  }

  protected draw(line: RecordedLine): void {
    this.#beganAt ??= Date.parse(line.at)
    switch (line.kind) {
      case 'output':
        return this.#output(line)
      case 'terminal':
        this.#inTerminal.add(line['id'])
        return
      case 'input':
      case 'command-seen':
        return
      default:
        this.#line(replayLine(line, this.#beganAt, this.#printer))
    }
  }

  #output(line: RecordedLine): void {
    const which = `${String(line['id'])} ${String(line['stream'])}`
    let output = this.#outputs.get(which)
    if (output === undefined) {
      output = { decoder: new TextDecoder('utf-8', { ignoreBOM: true }), harmless: new HarmlessOutput() }
      this.#outputs.set(which, output)
    }
    if (this.#of !== undefined && this.#of !== line['id'])
      this.#line(this.#printer.style('dim', `#${String(line['id'])}\n`))
    this.#of = line['id']
    const text = output.harmless.push(output.decoder.decode(bytesOf(line), { stream: true }))
    if (text === '') return
    this.#isMidLine = !text.endsWith('\n')
    // Whoever is at the keys has this terminal raw: nothing makes line feeds go back.
    this.#surroundings.output.write(
      this.#inTerminal.has(line['id']) ? text : text.replaceAll(/\r?\n/g, '\r\n'),
    )
  }

  #line(text: string): void {
    this.#surroundings.output.write(`${this.#isMidLine ? '\r\n' : ''}${text.replaceAll('\n', '\r\n')}`)
    this.#isMidLine = false
  }

  override end(): void {
    if (this.#outputs.size > 0) this.#surroundings.output.write(restored)
  }
}
