import { isRefusal, type Clock, type Subject } from '@sallyport/core'
import {
  hasJustSignedIn,
  keyNamespace,
  type KeyProofs,
  type RegisteredKeys,
  type UserCertificates,
} from '@sallyport/identity'
import { keyLine, Malformed, parseKeyText, parsePublicKey, type PublicKey } from '@sallyport/openssh'
import type { Readers, SshKeyRow } from '@sallyport/store'
import { notFound, ProblemError, refused } from '../../front/problem.ts'
import type { Authorize } from '../authorize.ts'
import type { Caller, NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export interface KeyParts {
  readonly read: Pick<Readers, 'sshKeys' | 'tokens'>
  readonly registeredKeys: Pick<RegisteredKeys, 'add' | 'remove'>
  readonly keyProofs: Pick<KeyProofs, 'begin' | 'isProven'>
  readonly userCertificates: Pick<UserCertificates, 'issue'>
  readonly authorize: Pick<Authorize, 'mayAdminister'>
  readonly clock: Clock
  /** `https://host:port`. */
  readonly baseUrl: () => string
}

export function keyRoutes(parts: KeyParts): NounRoutes<'keys'> {
  const { read, registeredKeys, keyProofs, userCertificates, authorize, clock, baseUrl } = parts
  /** Whose key it will be. @throws ProblemError where that is nobody's */
  const owner = async (caller: Caller): Promise<Subject> => {
    const { subject } = caller
    if (subject.principal.kind !== 'user')
      throw new ProblemError('forbidden', 'only people register keys: a workload shows its own token')
    // It would outlive what it was delegated for.
    if (subject.actor.id !== subject.principal.id || subject.scope !== undefined)
      throw new ProblemError('forbidden', 'what acts for somebody may not register keys in their name')
    if (await hasJustSignedIn(read, caller, clock.now())) return subject
    throw new ProblemError('forbidden', 'keys are added within 15 minutes of a sign-in', {
      next: `sign out in your browser (${baseUrl()}/sign-in) and at your provider, then: sallyport login`,
    })
  }
  return {
    list: async ({ all }, { caller }) => {
      if (all && !authorize.mayAdminister(caller.subject))
        throw new ProblemError('forbidden', 'only administrators see the keys of others')
      const rows = await read.sshKeys.list(all ? undefined : caller.subject.principal.id, maxListed)
      return { items: rows.map((row) => keyView(row, clock.now())) }
    },
    challenge: async (_, { caller }) => {
      const { principal } = await owner(caller)
      const begun = keyProofs.begin(principal.id, baseUrl())
      if (isRefusal(begun)) throw refused(begun)
      const { challenge, message, expiresAtMs } = begun
      return { challenge, message, namespace: keyNamespace, expiresAt: time(expiresAtMs) }
    },
    add: async ({ publicKey, challenge, signature, label, ttlSeconds }, { caller }) => {
      const subject = await owner(caller)
      const { id: principalId } = subject.principal
      const { key, comment } = readKey(publicKey)
      if (!keyProofs.isProven(principalId, { key, challenge, signature })) throw unproven()
      const row = await registeredKeys.add(subject, {
        principalId,
        key,
        label: (label ?? comment).slice(0, maxLabelCharacters),
        lifetimeMs: ttlSeconds * 1000,
      })
      if (!isRefusal(row)) return keyView(row, clock.now())
      if (row.code !== 'denied') throw refused(row)
      throw new ProblemError('conflict', row.reason, { next: row.next })
    },
    remove: async ({ id }, { caller: { subject } }) => {
      const row = await read.sshKeys.get(id)
      const isOwn = row?.principalId === subject.principal.id
      const mayRemove = row !== undefined && (isOwn || authorize.mayAdminister(subject))
      if (!mayRemove || !(await registeredKeys.remove(subject, id))) throw notFound('key')
    },
    certify: async ({ publicKey }, { caller: { subject, token } }) => {
      const { key, comment } = readKey(publicKey)
      const issued = await userCertificates.issue(subject, token, key)
      if (issued === undefined) throw new ProblemError('unauthenticated', 'the access token is about to end')
      return { certificate: keyLine(issued.blob, comment), expiresAt: time(issued.expiresAtMs) }
    },
  }
}

function readKey(text: string): { readonly key: PublicKey; readonly comment: string } {
  try {
    return parseKeyText(text)
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown
    throw new ProblemError('invalid-request', `this is no public key that can be used: ${thrown.message}`, {
      next: 'give one line of a .pub file, of Ed25519, ECDSA, a security key, or RSA of 2048 bits or more',
    })
  }
}

function unproven(): ProblemError {
  return new ProblemError(
    'invalid-request',
    'the signature is not by this key over this challenge, or the challenge is over',
    { next: 'ask for a new one: each is good once, for 10 minutes' },
  )
}

function keyView(row: SshKeyRow, nowMs: number) {
  return {
    id: row.id,
    user: row.principalId.replace(/^user:/, ''),
    label: row.label,
    type: parsePublicKey(Buffer.from(row.publicKey, 'base64')).type,
    fingerprint: row.fingerprint,
    createdAt: time(row.createdAt),
    expiresAt: time(row.expiresAt),
    state: row.expiresAt > nowMs ? ('living' as const) : ('expired' as const),
    ...(row.lastUsedAt !== null && { lastUsedAt: time(row.lastUsedAt) }),
  }
}

const maxListed = 1000
const maxLabelCharacters = 100
