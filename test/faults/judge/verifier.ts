import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** An exported recording, as the documented format says, checked here anew and not by the product's own verifier. */
export interface Verified {
  readonly events: readonly Readonly<Record<string, unknown>>[]
  readonly seal: Seal
}

interface Seal {
  readonly session: string
  readonly state: string
  readonly events: number
  readonly head: string
  readonly number: number
  readonly previous: string
}

/** @throws Error saying what does not hold @see docs/recording-format.md */
export function verifyRecording(file: string, publicKey: string): Verified {
  const lines = file.split('\n')
  must(lines.pop() === '' && lines.length >= 3, 'cut off')
  const [signature, sealLine, ...rest] = lines.toReversed()
  const [header, ...eventLines] = rest.toReversed()
  let prev = sha256(header!)
  const events = eventLines.map((line, i) => {
    const event = JSON.parse(line) as Record<string, unknown>
    must(event['seq'] === i + 1 && event['prev'] === prev, `event ${i + 1} is not what followed`)
    prev = sha256(line)
    return event
  })
  const seal = signedSeal(sealLine!, signature!, createPublicKey(publicKey))
  must(seal.session === JSON.parse(header!).session, 'the seal of another session')
  must(seal.events === events.length && seal.head === prev, 'the seal of other events')
  return { events, seal }
}

/** The sessions that the seal log names. @throws Error saying what does not hold */
export function verifySealLog(directory: string, publicKey: string): Set<string> {
  const key = createPublicKey(publicKey)
  const sessions = new Set<string>()
  let previous = ''
  let number = 0
  const files = readdirSync(directory).filter((name) => name.endsWith('.seals'))
  for (const name of files.toSorted()) {
    const lines = readFileSync(join(directory, name), 'utf8').split('\n')
    must(lines.pop() === '' && lines.length % 2 === 0, `${name} is cut off`)
    for (let at = 0; at < lines.length; at += 2) {
      const seal = signedSeal(lines[at]!, lines[at + 1]!, key)
      must(seal.number === ++number, `${name} has seal ${seal.number} in place ${number}`)
      must(seal.previous === previous, `seal ${number} does not follow the one before`)
      must(!sessions.has(seal.session), `${seal.session} is sealed twice`)
      sessions.add(seal.session)
      previous = sha256(lines[at]!)
    }
  }
  return sessions
}

function signedSeal(line: string, signature: string, key: KeyObject): Seal {
  const { signature: bytes = '' } = JSON.parse(signature) as { signature?: string }
  must(
    verify(null, Buffer.from(line), key, Buffer.from(bytes, 'base64url')),
    'a seal not signed by this gateway',
  )
  return JSON.parse(line) as Seal
}

function sha256(line: string): string {
  return createHash('sha256').update(line).digest('base64url')
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}
