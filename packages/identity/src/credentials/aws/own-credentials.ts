import type { AwsCredentialIdentity } from '@aws-sdk/types'
import { StoreProblem } from '../stores/store-problem.ts'

/** Where the gateway's own AWS credentials come from: there, and nowhere else. */
export type AwsCredentialOrigin =
  /** `AWS_ACCESS_KEY_ID` and the like. */
  | { readonly from: 'environment' }
  /** Of `~/.aws/credentials` and `~/.aws/config`, or the files that `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` name. */
  | { readonly from: 'profile'; readonly profile: string }
  /** `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`, as Kubernetes service accounts get them on EKS. */
  | { readonly from: 'web-identity' }
  /** `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` on ECS, or `…_FULL_URI` with EKS Pod Identity. */
  | { readonly from: 'container' }
  /** The machine's metadata service, by IMDSv2 only. */
  | { readonly from: 'instance' }

/** @throws StoreProblem without a word of what was found */
export async function ownCredentials(
  origin: AwsCredentialOrigin,
  store: string,
): Promise<AwsCredentialIdentity> {
  const providers = await import('@aws-sdk/credential-providers')
  const provide = (): Promise<AwsCredentialIdentity> => {
    switch (origin.from) {
      case 'environment':
        return providers.fromEnv()()
      case 'profile':
        return providers.fromIni({ profile: origin.profile, ignoreCache: true })()
      case 'web-identity':
        return providers.fromTokenFile()()
      case 'container':
        return providers.fromHttp({ timeout: answerMs, maxRetries: 1 })()
      case 'instance':
        return providers.fromInstanceMetadata({
          timeout: answerMs,
          maxRetries: 1,
          ec2MetadataV1Disabled: true,
        })()
    }
  }
  try {
    return await provide()
  } catch (thrown) {
    const name = thrown instanceof Error && /^[A-Za-z]{1,64}$/.test(thrown.name) ? thrown.name : 'Error'
    throw new StoreProblem(
      'refused',
      `${store}: the gateway has no credentials of its own from ${origin.from} (${name})`,
    )
  }
}

const answerMs = 2_000
