import { Writable } from 'node:stream'
import { styleText } from 'node:util'
import pino, { type Logger } from 'pino'

export type { Logger }

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly format: 'auto' | 'json' | 'text'
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** Which of several processes writes it. */
  readonly process?: number
}

/** JSON lines, or text for people on a terminal. Values under names of secrets never leave. */
export function openLog({ level, format, output, process }: LogOptions): Logger {
  const isText = format === 'text' || (format === 'auto' && output.isTTY === true)
  return pino(
    {
      level,
      base: process === undefined ? null : { process },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Its stack goes on with the causes’.
      serializers: { err: pino.stdSerializers.err },
      redact: {
        paths: [
          ...secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
          // That of a set-up link. By itself, a code says why something was refused or broke.
          'body.code',
          '*.body.code',
        ],
        censor: '[redacted]',
      },
    },
    isText ? readable(output) : output,
  )
}

const secretNames = [
  'password',
  'token',
  'secret',
  'credential',
  'authorization',
  'cookie',
  'privateKey',
  'masterKey',
]

/** One line a message: time, level, words, then `key=value`; an error's stack below. */
function readable(output: NodeJS.WritableStream): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      for (const line of chunk.toString().split('\n')) if (line !== '') output.write(`${asText(line)}\n`)
      done()
    },
  })
}

function asText(line: string): string {
  const { level, time, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>
  const at = String(time).slice(11, 23)
  const words = Object.entries(rest).map(([key, value]) => styleText('dim', `${key}=${plain(value)}`))
  const stack =
    typeof err === 'object' && err !== null && 'stack' in err
      ? [`\n${styleText('dim', String(err.stack))}`]
      : []
  return [styleText('dim', at), marks[String(level)] ?? String(level), String(msg), ...words, ...stack].join(
    ' ',
  )
}

function plain(value: unknown): string {
  return typeof value === 'string' && !/[\s"]/.test(value) ? value : JSON.stringify(value)
}

const marks: Readonly<Record<string, string>> = {
  debug: styleText('dim', 'debug'),
  info: styleText('green', 'info '),
  warn: styleText('yellow', 'warn '),
  error: styleText('red', 'error'),
}
