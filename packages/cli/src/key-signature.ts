import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import { exit, Failure } from './failure.ts'
import type { Surroundings } from './surroundings.ts'

/** What a gateway asks a key to sign. */
export interface ToSign {
  /** The public key's; its private half is beside it, in an agent, or in a security key. */
  readonly file: string
  readonly message: string
  readonly namespace: string
  /** The address of the gateway that asks. */
  readonly gateway: string
}

/**
 * Has OpenSSH sign it, which knows agents and security keys. A passphrase, a PIN and a touch are asked for at the terminal.
 * @throws Failure
 */
export async function signWithKey(
  { environment, input, errors }: Surroundings,
  asked: ToSign,
): Promise<string> {
  mustBeFor(asked)
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-sign-'))
  try {
    const file = join(directory, 'challenge')
    await writeFile(file, asked.message, { mode: 0o600 })
    const child = spawn('ssh-keygen', ['-Y', 'sign', '-f', asked.file, '-n', asked.namespace, file], {
      env: { ...process.env, ...environment },
      // ssh-keygen asks where it sees a terminal, and what it says there is for whoever sits at it.
      stdio: [
        input.isTTY === true ? 'inherit' : 'ignore',
        'ignore',
        errors.isTTY === true ? 'inherit' : 'pipe',
      ],
    })
    const said = child.stderr === null ? Promise.resolve('') : readAll(child.stderr)
    const [code] = (await once(child, 'exit').catch(() => {
      throw new Failure('ssh-keygen is not there, by which the key proves itself', {
        next: 'install OpenSSH 8.2 or newer; or sign elsewhere: sallyport keys add FILE --elsewhere',
      })
    })) as [number | null]
    if (code !== 0) throw notSigned(asked, await said)
    return await readFile(`${file}.sig`, 'utf8')
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Prints the command for another machine, and reads the signature that comes of it. @throws Failure */
export async function signedElsewhere({ input, errors }: Surroundings, asked: ToSign): Promise<string> {
  mustBeFor(asked)
  const quoted = asked.message.replaceAll('\n', '\\n')
  errors.write(
    `Within ten minutes, run this where the private half is, and paste what it prints:\n\n  printf '${quoted}' | ssh-keygen -Y sign -n ${asked.namespace} -f KEY\n\n`,
  )
  let read = ''
  for await (const piece of input) {
    read += String(piece)
    if (read.includes(lastLine)) return read.slice(Math.max(0, read.indexOf(firstLine)))
    if (read.length > maxCharacters) break
  }
  throw new Failure('that was no signature', { exitCode: exit.usage, next: `it ends with ${lastLine}` })
}

/**
 * A gateway that could have a challenge of another one signed here could register the key there, for somebody else: the text says which
 * one it is for. What is reached over loopback is as near as its name.
 */
function mustBeFor({ message, gateway }: ToSign): void {
  const named = /^gateway: (.+)$/m.exec(message)?.[1] ?? ''
  const { hostname } = new URL(gateway)
  const isPlain = /^[\x20-\x7e\n]{1,1000}$/.test(message) && !/['\\%]/.test(message)
  const isIt = URL.canParse(named) && new URL(named).hostname === hostname
  if (isPlain && (isIt || loopback.has(hostname))) return
  throw new Failure(`${gateway} asks to sign something for another gateway: ${JSON.stringify(named)}`, {
    next: 'sign in at the address that the gateway calls its own (publicHost), and add the key there',
  })
}

function notSigned({ file }: ToSign, said: string): Failure {
  const last = said.trim().split('\n').at(-1) ?? ''
  return new Failure(`the key did not sign${last === '' ? '' : `: ${last}`}`, {
    next: `its private half must be at hand: beside ${file}, in ssh-agent (ssh-add), or a security key that is plugged in; or give --elsewhere`,
  })
}

const firstLine = '-----BEGIN SSH SIGNATURE-----'
const lastLine = '-----END SSH SIGNATURE-----'
const maxCharacters = 32_768
const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
