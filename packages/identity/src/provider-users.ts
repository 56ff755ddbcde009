import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { principalId } from '@sallyport/core'
import type { User, Writers } from '@sallyport/store'
import { isUserName } from './users.ts'

/** A person as an identity provider describes them. */
export interface DescribedPerson {
  /** The provider's address, as in `iss`. */
  readonly issuer: string
  readonly subject: string
  /** What they are called there, in the claim that the operators chose: a name is made of it at their first sign-in. */
  readonly called: string
  readonly groups: readonly string[]
  /** When the provider said so, by its own clock. */
  readonly claimedAtMs: number
}

/** How a provider was heard. */
export interface Hearing {
  readonly nowMs: number
  /** It can be asked again whether what it says stands, and is. */
  readonly isAskedAgain: boolean
}

/**
 * Whom a provider describes, as a user here: created when seen for the first time, and from then on known by issuer and subject alone.
 * Somebody local who happens to have the same name or address is somebody else. Groups become what the provider says, unless it has
 * said something else since, or its SCIM connector says it.
 * @returns undefined where they are shut out
 */
export async function admitPerson(
  tx: Writers,
  person: DescribedPerson,
  { nowMs, isAskedAgain }: Hearing,
): Promise<User | undefined> {
  const { issuer, subject, called, groups, claimedAtMs: claimedAt } = person
  // Its clock may be ahead of ours, which does not make its word good for longer.
  const vouchedUntil = Math.min(claimedAt, nowMs) + (isAskedAgain ? askedAgainMs : notAskedMs)
  const user = await tx.users.byProvider(issuer, subject)
  if (user === undefined) return createPerson(tx, person, vouchedUntil)
  if (user.disabledAt !== null) return undefined
  if (claimedAt < (user.provider?.claimedAt ?? 0)) return user
  await tx.users.setClaimedAt(user.name, claimedAt)
  if (vouchedUntil > (user.provider?.vouchedUntil ?? 0))
    await tx.users.setVouchedUntil(user.name, vouchedUntil)
  if (user.groupsBy === null && !isDeepStrictEqual(user.groups, groups))
    await tx.users.setGroups(user.name, groups)
  const displayName = shortened(called) || user.name
  if (displayName !== user.displayName) await tx.users.setDisplayName(user.name, displayName)
  return tx.users.get(user.name)
}

/** Somebody whom nobody has seen yet, under a name that is free. */
export async function createPerson(
  tx: Writers,
  person: DescribedPerson,
  vouchedUntil = 0,
): Promise<User | undefined> {
  const { issuer, subject, called, groups, claimedAtMs: claimedAt } = person
  const name = await freeName(tx, person)
  const provider = { issuer, subject, claimedAt, vouchedUntil }
  await tx.users.create({ name, displayName: shortened(called) || name, groups, provider })
  return tx.users.get(name)
}

/**
 * The provider does not vouch for somebody any more: where no other sign-in says that they are known, what they opened by keys ends, and
 * keys of theirs let nobody in until the next one.
 */
export async function doubtPerson(tx: Writers, userName: string, nowMs: number): Promise<void> {
  if ((await tx.signIns.newestRefreshable(userName)) !== undefined) return
  await tx.users.setVouchedUntil(userName, nowMs)
  for (const { id } of await tx.sshKeys.list(principalId('user', userName), mostKeys))
    await tx.tokens.revoke({ sshKey: id })
}

/** Groups that can be named here, without the slash that some providers begin them with; in one order, each once. */
export function groupNames(claimed: readonly string[]): readonly string[] {
  const names = claimed.map((name) => name.replace(/^\//, '')).filter(isGroupName)
  return [...new Set(names)].toSorted()
}

/** Theirs where nobody has it; else with something behind it that is always the same for them, and nobody else's. */
async function freeName(tx: Writers, { issuer, subject, called }: DescribedPerson): Promise<string> {
  const own = hash('sha256', JSON.stringify([issuer, subject]), 'hex').slice(0, 10)
  const wanted = nameFrom(called)
  for (const name of wanted === undefined ? [] : [wanted, `${wanted}-${own}`])
    if ((await tx.users.get(name)) === undefined) return name
  return `person-${own}`
}

/** `Alice.Doe@example.com` is `alice.doe`. */
function nameFrom(called: string): string | undefined {
  const name = called
    .split('@', 1)[0]
    ?.normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .slice(0, 52)
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
  return name !== undefined && isUserName(name) ? name : undefined
}

function shortened(called: string): string {
  return called.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').slice(0, 100)
}

/** Once it cannot be asked any more, a provider's last word is good for keys for as long as a token lives that is its own. */
export const askedAgainMs = 3_600_000
/** Where it is heard at sign-ins alone: as long as the longest session. */
const notAskedMs = 12 * 3_600_000
/** As the API names them. */
export function isGroupName(text: string): boolean {
  return groupName.test(text)
}

const groupName = /^[A-Za-z0-9]([A-Za-z0-9._:-]{0,126}[A-Za-z0-9])?$/
/** More are refused rather than cut. */
export const maxGroups = 500
/** More than anybody has. */
const mostKeys = 1000
