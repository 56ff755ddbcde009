import { Secret, type CredentialSourceFrom } from '@sallyport/core'
import { asCredential } from '../as-credential.ts'
import type { CredentialKind } from '../kind.ts'
import { StoreProblem } from '../stores/store-problem.ts'
import type { AwsStore } from './aws-store.ts'

/** @throws StoreProblem missing where none of that name is configured */
export type AwsOf = (name: string) => AwsStore

/** A secret of Secrets Manager, or one key of it, read for each log-in. */
export function awsSecretKind(awsOf: AwsOf): CredentialKind<CredentialSourceFrom<'aws-secret'>> {
  return {
    async fetch({ store, secret, key, stage }, { account, signal }) {
      const text = await awsOf(store).secret(secret, stage, signal)
      return asCredential(account.name, new Secret(key === undefined ? text : valueOf(text, key, secret)))
    },
  }
}

/** A password that AWS takes for a quarter of an hour, made for each log-in. It is good anywhere meanwhile, and so only sent where it is due. */
export function rdsIamKind(awsOf: AwsOf): CredentialKind<CredentialSourceFrom<'rds-iam'>> {
  return {
    async fetch({ store, region, host }, { resource, account: { name: user } }) {
      const database = { host: host ?? resource.host, port: resource.port, user, region }
      const password = new Secret(await awsOf(store).databaseToken(database))
      return { user, password, isForVerifiedTlsOnly: true }
    },
  }
}

function valueOf(text: string, key: string, secret: string): string {
  let value: unknown
  try {
    const object: unknown = JSON.parse(text)
    if (typeof object === 'object' && object !== null && Object.hasOwn(object, key))
      value = (object as Record<string, unknown>)[key]
  } catch {
    // The parser's words quote the text.
  }
  if (typeof value === 'string' && value !== '') return value
  throw new StoreProblem('missing', `secret ${secret}: there is no text under its key ${key}`)
}
