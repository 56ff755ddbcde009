import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { presets } from '@sallyport/policy'
import type { Postgres } from '../world/postgres.ts'

/** The role that sessions run under on the target: reads and writes the shop, and no more. */
export const account = { user: 'shop_app', password: 'known-to-the-gateway-alone' } as const

/** A role that nobody has standing access to. */
export const owner = 'shop_owner'

/** What the platform team declares, as files for `sallyport apply -f`. */
export async function writeDeclarations(directory: string, server: Postgres): Promise<void> {
  await mkdir(directory, { recursive: true })
  const documents = [
    { kind: 'Credential', name: 'orders-db', password: 'env:SHOP_PASSWORD' },
    {
      kind: 'Resource',
      name: 'orders-db',
      protocol: 'postgres',
      host: '127.0.0.1',
      port: server.port,
      agent: 'local',
      labels: { env: 'demo' },
      accounts: [account.user, owner].map((name) => ({
        name,
        credential: { from: 'sealed', name: 'orders-db' },
      })),
      masking: {
        columns: {
          'public.customers.email': 'pii.email',
          'public.customers.phone': 'pii.phone',
          'public.customers.card_number': 'pii.card',
          'public.customers.iban': 'pii.iban',
          'public.customers.ssn': 'pii.ssn',
        },
        detectors: ['email', 'card', 'phone', 'iban', 'ssn', 'key'],
      },
      options: {
        database: 'shop',
        tls: { mode: 'verify-full', ca: server.authority, servername: 'localhost' },
      },
    },
  ]
  await writeFile(join(directory, 'orders-db.yaml'), documents.map((one) => stringify(one)).join('---\n'))
  await cp(new URL('policies', import.meta.url), directory, { recursive: true })
  for (const name of ['no-unfiltered-writes', 'no-server-programs', 'no-unparsed', 'no-identity-change']) {
    const preset = presets.find((it) => it.name === name)
    if (preset === undefined) throw new Error(`no preset is called ${name}`)
    await writeFile(join(directory, `${name}.cedar`), preset.text)
  }
}
