import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@aws-sdk/types'
import type { Clock } from '@sallyport/core'
import { Circuit } from '../stores/circuit.ts'
import { StoreProblem } from '../stores/store-problem.ts'
import { ownCredentials, type AwsCredentialOrigin } from './own-credentials.ts'

/** AWS in one region, and who the gateway is there. */
export interface AwsSettings {
  /** What accounts call it by. */
  readonly name: string
  readonly region: string
  /** Of Secrets Manager, where it is not the region's public one. */
  readonly endpoint: string | undefined
  readonly credentials: AwsCredentialOrigin
}

/**
 * AWS, as the gateway uses it. Its SDK is loaded when first asked: it takes some 30 MB, which a gateway without AWS does not spend.
 */
export class AwsStore implements Disposable {
  readonly #settings: AwsSettings
  readonly #circuit: Circuit
  readonly #credentials: AwsCredentialIdentityProvider
  #client: SecretsManagerClient | undefined

  constructor(settings: AwsSettings, clock: Clock) {
    this.#settings = settings
    this.#circuit = new Circuit(this.#words, clock)
    this.#credentials = remembered(() => ownCredentials(settings.credentials, this.#words), clock)
  }

  /**
   * The text of a secret.
   * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
   * @throws StoreProblem
   */
  secret(id: string, stage: string | undefined, signal: AbortSignal): Promise<string> {
    return this.#circuit.run(async () => {
      const { GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager')
      const client = await this.#secretsManager()
      const asked = { SecretId: id, ...(stage !== undefined && { VersionStage: stage }) }
      const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(askMs)])
      try {
        const { SecretString: text } = await client.send(new GetSecretValueCommand(asked), { abortSignal })
        if (text === undefined || text === '')
          throw new StoreProblem('missing', `${this.#words}, secret ${id}: it is no text`)
        return text
      } catch (thrown) {
        throw this.#worded(thrown, `secret ${id}`)
      }
    })
  }

  /**
   * A password for a user of an RDS or Aurora database, good for 15 minutes. It is made here: nobody is asked, but for the gateway's
   * own credentials.
   * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
   * @throws StoreProblem
   */
  async databaseToken(database: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly region: string | undefined
  }): Promise<string> {
    const { Signer } = await import('@aws-sdk/rds-signer')
    const { host: hostname, port, user: username, region = this.#settings.region } = database
    const signer = new Signer({ hostname, port, username, region, credentials: this.#credentials })
    try {
      return await signer.getAuthToken()
    } catch (thrown) {
      throw this.#worded(thrown, `a token for ${hostname}`)
    }
  }

  /** Whether the gateway has credentials here: for `doctor`. @returns the access key's id. @throws StoreProblem */
  async check(): Promise<string> {
    return (await this.#credentials()).accessKeyId
  }

  [Symbol.dispose](): void {
    this.#client?.destroy()
  }

  get #words(): string {
    return `AWS ${this.#settings.name}`
  }

  async #secretsManager(): Promise<SecretsManagerClient> {
    const { SecretsManagerClient: Client } = await import('@aws-sdk/client-secrets-manager')
    const { region, endpoint } = this.#settings
    return (this.#client ??= new Client({
      region,
      credentials: this.#credentials,
      ...(endpoint !== undefined && { endpoint }),
      maxAttempts: 2,
      requestHandler: { connectionTimeout: connectMs, requestTimeout: answerMs, throwOnRequestTimeout: true },
    }))
  }

  /** In our own words: AWS's may quote what it was asked. */
  #worded(thrown: unknown, what: string): StoreProblem {
    if (thrown instanceof StoreProblem) return thrown
    const { name = '', $metadata } = thrown as { name?: string; $metadata?: { httpStatusCode?: number } }
    const status = $metadata?.httpStatusCode
    const where = `${this.#words}, ${what}`
    const code = /^[A-Za-z]{1,64}$/.test(name) ? name : 'Error'
    if (name === 'ResourceNotFoundException')
      return new StoreProblem('missing', `${where}: there is none, or none of that stage`)
    if (status === 400 || status === 401 || status === 403)
      return new StoreProblem(name.startsWith('Throttling') ? 'unavailable' : 'refused', `${where}: ${code}`)
    return new StoreProblem(
      'unavailable',
      `${where}: ${status === undefined ? 'no answer' : status} (${code})`,
    )
  }
}

/** Asked anew where they end soon, or the SDK says that they must be. */
function remembered(
  provide: () => Promise<AwsCredentialIdentity>,
  clock: Clock,
): AwsCredentialIdentityProvider {
  let known: Promise<AwsCredentialIdentity> | undefined
  return async (properties?: { readonly forceRefresh?: boolean }) => {
    const last = await known?.catch(() => undefined)
    const isEnding = last?.expiration !== undefined && last.expiration.getTime() - clock.now() < leastLeftMs
    if (last === undefined || isEnding || properties?.forceRefresh === true) known = provide()
    return known!
  }
}

/** With all attempts; and one of them. */
const askMs = 10_000
const answerMs = 5_000
const connectMs = 2_000
const leastLeftMs = 5 * 60_000
