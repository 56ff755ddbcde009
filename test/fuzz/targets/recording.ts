import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, type SessionId } from '@sallyport/core'
import { openRecordings, verifyRecording } from '@sallyport/recording'
import { listSegments, readSegment } from '../../../packages/recording/src/journal-format.ts'
import { FrameReader, UnreadableFile } from '../../../packages/recording/src/session-file-format.ts'
import { closed, exported, newSession, opened, operation } from '../../../packages/recording/test/ground.ts'
import { once, Tape, type Choices } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: choices of what is damaged, and how. */
export const target: Target = {
  name: 'recording',
  promise:
    'a damaged recording is never taken for a sound one, and what is read or recovered of damaged files is a part of what was written',
  unit: 'inputs',
  units: { long: 100_000, short: 150 },
  guide: /packages\/recording\/src\//,
  maxBytes: 256,
  slowMs: 3_000,
  open: prepare,
}

/** What a gateway that died left behind, and one recording that it had finished. */
interface Ground {
  readonly directory: string
  readonly encryptionKey: KeyObject
  readonly signingKey: KeyObject
  readonly publicKey: KeyObject
  readonly session: SessionId
  readonly bytes: Buffer
}

async function prepare(): Promise<Subject> {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-fuzz-'))
  const live = join(root, 'live')
  const left = join(root, 'left')
  mkdirSync(live)
  const { privateKey: signingKey, publicKey } = generateKeyPairSync('ed25519')
  const encryptionKey = createSecretKey(Buffer.alloc(32, 1))
  const limits = { chunkBytes: 400, segmentBytes: 3_000 }
  const recordings = await openRecordings({
    directory: live,
    signingKey,
    encryptionKey,
    clock: systemClock,
    limits,
    onFailure: () => undefined,
  })
  const finished = newSession()
  const first = recordings.open(finished)
  first.append(opened(finished))
  for (let i = 1; i <= 6; i++) first.append(operation(i))
  first.append(closed)
  await first.close()
  const unfinished = recordings.open(newSession())
  for (let i = 1; i <= 12; i++) {
    unfinished.append(operation(i))
    unfinished.commit()
  }
  cpSync(live, left, { recursive: true })
  const bytes = await exported(recordings, finished)
  await recordings[Symbol.asyncDispose]()
  return new Damaged(root, {
    directory: left,
    encryptionKey,
    signingKey,
    publicKey,
    session: finished,
    bytes,
  })
}

class Damaged implements Subject {
  readonly seeds: readonly Buffer[] = []
  readonly words: readonly Buffer[] = []
  readonly #root: string
  readonly #ground: Ground
  readonly #files: readonly string[]
  /** Every line that was ever written. */
  readonly #lines: ReadonlySet<string>
  #copies = 0

  constructor(root: string, ground: Ground) {
    this.#root = root
    this.#ground = ground
    this.#files = readdirSync(ground.directory, { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [join(entry.parentPath, entry.name).slice(ground.directory.length + 1)] : [],
    )
    const journal = join(ground.directory, 'journal')
    this.#lines = new Set(
      listSegments(journal).flatMap((number) =>
        [...readSegment(journal, number, ground.encryptionKey)].map(({ line }) => line),
      ),
    )
  }

  readonly run = async (input: Buffer): Promise<number> => {
    const tape = new Tape(input)
    this.#checkExport(tape)
    await this.#checkFiles(tape)
    if (once(tape, 8)) await this.#checkRecovery(tape)
    return 1
  }

  #checkExport(choices: Choices): void {
    const { bytes, publicKey } = this.#ground
    const hurt = damage(bytes, choices)
    const { state } = verifyRecording(hurt, publicKey)
    must(
      state === 'broken' || state === 'open' || hurt.equals(bytes),
      () => `a damaged recording is ${state}`,
    )
  }

  async #checkFiles(choices: Choices): Promise<void> {
    const { directory, encryptionKey, session, bytes } = this.#ground
    using copy = this.#copy()
    const journal = join(copy.directory, 'journal')
    for (const number of listSegments(journal)) {
      const file = join(journal, `${String(number).padStart(10, '0')}.journal`)
      writeFileSync(file, damage(readFileSync(file), choices))
      try {
        for (const { line } of readSegment(journal, number, encryptionKey))
          must(this.#lines.has(line), () => 'the journal gives a line that was never written')
      } catch (thrown) {
        // Its head: then nothing of it may be given up, and a person has to look.
        if (!(thrown instanceof Error) || thrown.name === 'Broken') throw thrown
      }
    }
    const sealed = this.#files.find((file) => file.includes(session) && !file.startsWith('journal'))
    if (sealed === undefined) return
    const path = join(copy.directory, sealed)
    writeFileSync(path, damage(readFileSync(join(directory, sealed)), choices))
    const read: Buffer[] = []
    try {
      await using reader = await FrameReader.open(
        path,
        sealed.slice(sealed.lastIndexOf('/') + 1),
        encryptionKey,
        { maxFrameBytes: 1_000_000 },
      )
      for await (const { lines } of reader.frames()) read.push(lines)
    } catch (thrown) {
      if (!(thrown instanceof UnreadableFile)) throw thrown
    }
    const got = Buffer.concat(read)
    must(bytes.subarray(0, got.length).equals(got), () => "a session's file gives what was never written")
  }

  /** A new gateway opens what is there: all that it then gives is in whole chains, of lines that were written. */
  async #checkRecovery(choices: Choices): Promise<void> {
    const { signingKey, encryptionKey } = this.#ground
    using copy = this.#copy()
    for (let left = 1 + choices.below(3); left > 0; left--) {
      const file = join(copy.directory, this.#files[choices.below(this.#files.length)]!)
      writeFileSync(file, damage(readFileSync(file), choices))
    }
    let recordings
    try {
      recordings = await openRecordings({
        directory: copy.directory,
        signingKey,
        encryptionKey,
        clock: systemClock,
        onFailure: () => undefined,
      })
    } catch (thrown) {
      // It does not start on what it cannot read: a person has to look.
      if (thrown instanceof Error && !(thrown instanceof TypeError) && !(thrown instanceof RangeError)) return
      throw thrown
    }
    try {
      for (const { session } of recordings.recovered) {
        const { state } = await recordings.verify(session)
        must(state === 'interrupted' || state === 'sound', () => `a recovered recording is ${state}`)
        const lines = (await exported(recordings, session)).toString().split('\n')
        for (const line of lines.filter((it) => it !== '' && !/^\{"(seal|signature|recording)"/.test(it)))
          must(this.#lines.has(line), () => `recovered what was never written: ${line}`)
      }
    } finally {
      await recordings[Symbol.asyncDispose]()
    }
  }

  #copy(): Disposable & { readonly directory: string } {
    const directory = join(this.#root, `copy-${this.#copies++}`)
    cpSync(this.#ground.directory, directory, { recursive: true })
    return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#root, { recursive: true })
    return Promise.resolve()
  }
}

/** Bits turned, a part cut out, repeated or exchanged, the end cut off, bytes behind it. Perhaps nothing. */
function damage(bytes: Buffer, choices: Choices): Buffer {
  let hurt = Buffer.from(bytes)
  for (let left = choices.below(4); left > 0; left--) {
    const from = choices.below(hurt.length + 1)
    const to = Math.min(hurt.length, from + choices.below(200))
    switch (choices.below(5)) {
      case 0:
        if (from < hurt.length) hurt[from]! ^= 1 << choices.below(8)
        break
      case 1:
        hurt = Buffer.concat([hurt.subarray(0, from), hurt.subarray(to)])
        break
      case 2:
        hurt = Buffer.concat([hurt.subarray(0, to), hurt.subarray(from)])
        break
      case 3:
        hurt = hurt.subarray(0, from)
        break
      default:
        hurt = Buffer.concat([hurt, hurt.subarray(from, to)])
    }
  }
  return hurt
}
