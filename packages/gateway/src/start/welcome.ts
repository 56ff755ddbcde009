import type { RunningGateway } from './running-gateway.ts'

/** What the operator reads at the start. The set-up link is shown only while there is nobody. */
export function welcome({ version, addresses, authority, setupUrl }: RunningGateway): string {
  const width = Math.max(...addresses.map(({ name }) => name.length))
  return [
    `Sallyport ${version} is ready.`,
    ...addresses.map(({ name, url }) => `  ${name.padEnd(width)}  ${url}`),
    ...(setupUrl === undefined
      ? []
      : [
          '',
          'Nobody is set up yet. Within 24 hours, choose the first administrator’s name and password at',
          `  ${setupUrl}`,
          ...(authority === undefined
            ? []
            : [
                '',
                'This gateway signs its own certificates. Compare the fingerprint of its authority when you sign in:',
                `  ${authority.fingerprint}`,
              ]),
        ]),
    '',
    '',
  ].join('\n')
}
