import type { Clock } from '@sallyport/core'
import { ask, Unreachable } from '../oidc/fetch.ts'
import { bad, good, warning, type Finding, type Look } from '../finding.ts'
import { SignInProblem } from '../sign-in-provider.ts'
import { toleranceMs } from './assertion.ts'
import type { IdentityProvider } from './identity-provider.ts'

export interface SamlExaminationParts {
  /** Rejects with a SignInProblem. */
  readonly identityProvider: () => Promise<IdentityProvider>
  /** PEM, where the system does not know who signs the certificate of the entry point. */
  readonly certificateAuthority?: string | undefined
  readonly clock: Clock
  /** In place of {@link ask}, for tests. */
  readonly fetch?: typeof ask
}

/** What of a SAML provider's set-up can be seen from here. Whether it knows us, only a sign-in shows. */
export function samlLooks(parts: SamlExaminationParts): readonly Look[] {
  const provider = parts.identityProvider()
  // Each look says it anew.
  provider.catch(() => undefined)
  const looked = (name: string, look: (it: IdentityProvider) => Finding | Promise<Finding>): Look => ({
    name,
    look: async () => {
      try {
        return await look(await provider)
      } catch (thrown) {
        if (thrown instanceof SignInProblem)
          return bad(thrown.message, 'see `saml` in the configuration, and the files that it names')
        if (thrown instanceof Unreachable)
          return bad(
            thrown.message,
            'see saml.entryPoint, or the metadata; browsers may reach what the gateway does not',
          )
        throw thrown
      }
    },
  })
  return [
    looked('SAML provider', (it) => metadata(it, parts)),
    looked('SAML provider: certificates', (it) => certificates(it, parts)),
    looked('SAML provider: entry point', (it) => entryPoint(it, parts)),
  ]
}

function metadata({ issuer, validUntilMs }: IdentityProvider, { clock }: SamlExaminationParts): Finding {
  if (validUntilMs === undefined) return good(`${issuer} is known`)
  const days = daysUntil(validUntilMs, clock)
  if (validUntilMs <= clock.now())
    return bad('its metadata is over', 'put its newest in place of saml.metadata')
  return days < soonDays
    ? warning(`its metadata is good for ${days} more days`, 'put its newest in place of saml.metadata')
    : good(`its metadata is good for ${days} more days`)
}

function certificates({ certificates: all }: IdentityProvider, { clock }: SamlExaminationParts): Finding {
  const ends = all.map(({ validToDate }) => validToDate.getTime())
  const living = ends.filter((end) => end > clock.now())
  if (living.length === 0)
    return bad(
      'every certificate by which it signs is over',
      'put its newest into saml.metadata or saml.certificates',
    )
  const days = daysUntil(Math.max(...living), clock)
  const over = ends.length - living.length
  if (days < soonDays)
    return warning(
      `the last certificate by which it signs is good for ${days} more days`,
      'add the next one beside it, before the provider begins to use it',
    )
  if (over > 0)
    return warning(`${over} of ${ends.length} certificates are over, and do not count`, 'take them out')
  return good(`${ends.length}, the last of them good for ${days} more days`)
}

async function entryPoint(
  { entryPoint: url }: IdentityProvider,
  { certificateAuthority, clock, fetch = ask }: SamlExaminationParts,
): Promise<Finding> {
  const { status, headers } = await fetch(url, { certificateAuthority, headers: { accept: '*/*' } })
  // It is asked nothing, so that it may well refuse.
  if (status === 404 || status >= 500)
    return warning(`${url.host}${url.pathname} answers ${status}`, 'see saml.entryPoint, or the metadata')
  const date = Date.parse(headers.get('date') ?? '')
  const apartMs = Number.isNaN(date) ? 0 : Math.abs(date - clock.now())
  return apartMs > toleranceMs
    ? bad(
        `its clock and ours are ${Math.round(apartMs / 1000)} s apart`,
        `set them: above ${toleranceMs / 1000} s sign-ins are refused`,
      )
    : good('it answers')
}

function daysUntil(atMs: number, clock: Clock): number {
  return Math.floor((atMs - clock.now()) / dayMs)
}

const dayMs = 24 * 3_600_000
/** What ends within it is told of. */
const soonDays = 30
