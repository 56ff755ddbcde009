import type { StepUpDoor } from '@sallyport/access'
import type { Config } from '../config/schema.ts'
import { inUrl } from './address.ts'

/** The page of our own where people of the configured provider sign in anew; the same in every process. */
export function stepUpDoorOf({ publicHost, listen, oidc }: Config): StepUpDoor {
  const { port } = listen.api
  return {
    pageOf: ({ id, issuer }) =>
      oidc === undefined || issuer !== oidc.issuer || port === 0
        ? undefined
        : `https://${inUrl(publicHost)}:${port}/sign-in/step-up/${id}`,
  }
}
