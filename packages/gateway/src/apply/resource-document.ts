import { z } from 'zod'
import { tagsOf, type ColumnDeclaration, type ResourceDocument } from '@sallyport/api'
import type {
  ColumnTag,
  CredentialSource,
  Masking,
  Redactor,
  Resource,
  StreamProtocol,
} from '@sallyport/core'
import { nearest } from '../config/nearest.ts'
import { redactorOf, wordsOf } from './redactor-words.ts'

/** A key of a document that does not stand. */
export interface DocumentTrouble {
  /** Below the document: `masking.columns`. */
  readonly path: string
  readonly message: string
}

export interface KnownWords {
  readonly protocols: readonly StreamProtocol[]
  /** Names of the value detectors. */
  readonly detectors: readonly string[]
  /** Configured credential stores by name, with their kind. */
  readonly stores: ReadonlyMap<string, 'vault' | 'aws'>
}

/** A declaration as the resource that it declares, judged by its protocol; or all that is wrong with it. */
export function resourceOf(
  document: ResourceDocument,
  known: KnownWords,
): Resource | readonly DocumentTrouble[] {
  const troubles: DocumentTrouble[] = []
  const protocol = known.protocols.find((it) => it.name === document.protocol)
  if (protocol === undefined) {
    const names = known.protocols.map((it) => it.name)
    return [
      { path: 'protocol', message: `there is no protocol ${document.protocol}; use ${names.join(', ')}` },
    ]
  }
  const options = parsed(() => protocol.options(document.options))
  if (!options.ok) troubles.push({ path: 'options', message: options.why })

  for (const [n, { credential }] of document.accounts.entries()) {
    const message = credentialTrouble(credential, protocol, options.ok ? options.value : undefined, known)
    if (message !== undefined) troubles.push({ path: `accounts.${n}.credential`, message })
  }

  const columns = Object.entries(document.masking.columns).flatMap(([column, declared]): ColumnTag[] => {
    if (column.split('.').length !== 3) {
      troubles.push({ path: `masking.columns.${column}`, message: 'name it schema.table.column' })
    }
    const own = ownRedactor(declared)
    return tagsOf(declared).map((tag) => ({ column, tag, ...(own !== undefined && { redactor: own }) }))
  })
  for (const detector of document.masking.detectors) {
    if (known.detectors.includes(detector)) continue
    const meant = nearest(detector, known.detectors)
    const hint = meant === undefined ? `use ${known.detectors.join(', ')}` : `did you mean ${meant}?`
    troubles.push({ path: 'masking.detectors', message: `there is no detector ${detector}; ${hint}` })
  }
  if (troubles.length > 0 || !options.ok) return troubles

  return {
    name: document.name,
    protocol: protocol.name,
    host: document.host,
    port: document.port ?? protocol.defaultPort,
    agent: document.agent,
    labels: document.labels,
    accounts: document.accounts,
    masking: {
      mode: document.masking.mode,
      columns,
      detectors: document.masking.detectors,
      redactors: Object.fromEntries(
        Object.entries(document.masking.redactors).map(([tag, words]) => [tag, redactorOf(words)]),
      ),
    },
    recording: document.recording,
    options: options.value,
  }
}

/** The declaration that makes this resource: what is compared with the next one. */
export function documentOf(resource: Resource): ResourceDocument {
  return {
    kind: 'Resource',
    name: resource.name,
    protocol: resource.protocol,
    host: resource.host,
    port: resource.port,
    agent: resource.agent,
    labels: resource.labels,
    accounts: [...resource.accounts],
    masking: {
      mode: resource.masking.mode,
      columns: columnsOf(resource.masking),
      detectors: [...resource.masking.detectors],
      redactors: Object.fromEntries(
        Object.entries(resource.masking.redactors).map(([tag, redactor]) => [tag, wordsOf(redactor)]),
      ),
    },
    recording: resource.recording,
    // What a protocol's parser returned is a plain object of its own keys.
    options: { ...(resource.options as Record<string, unknown>) },
  }
}

/** Whether a source is one that this gateway has, and that the target can be logged in to with. */
function credentialTrouble(
  credential: CredentialSource,
  protocol: StreamProtocol,
  options: unknown,
  known: KnownWords,
): string | undefined {
  const isVerified = options === undefined || protocol.verifiesTls?.(options) === true
  if (credential.from === 'certificate' && protocol.certificates === undefined)
    return `${protocol.name} targets let nobody in by certificates; say where a password is`
  if (credential.from === 'certificate' && protocol.certificates === 'x509' && !isVerified)
    return 'a client certificate is shown only within TLS whose certificate is verified; see `options.tls`'
  if (credential.from === 'ephemeral-role') {
    if (protocol.ephemeralRoles === undefined)
      return `no roles are made on ${protocol.name} targets; say where a password is`
    return credentialTrouble(credential.via.credential, protocol, options, known)
  }
  if (!('store' in credential)) return undefined
  const kind = credential.from.startsWith('vault') ? 'vault' : 'aws'
  if (known.stores.get(credential.store) !== kind)
    return `no store ${credential.store} of kind ${kind} is configured: see \`stores\` in gateway.yaml`
  if (credential.from === 'rds-iam' && !isVerified)
    return 'a token for RDS goes only into TLS whose certificate is verified; see `options.tls`'
  return undefined
}

function ownRedactor(declared: ColumnDeclaration): Redactor | undefined {
  return typeof declared === 'object' && 'redactor' in declared ? redactorOf(declared.redactor) : undefined
}

function columnsOf({ columns }: Masking): Record<string, ColumnDeclaration> {
  const byColumn = Map.groupBy(columns, ({ column }) => column)
  return Object.fromEntries(
    Array.from(byColumn, ([column, all]): [string, ColumnDeclaration] => {
      const [one, ...others] = all.map(({ tag }) => tag)
      const tags = others.length === 0 ? one! : [one!, ...others]
      const own = all[0]?.redactor
      return [column, own === undefined ? tags : { tags, redactor: wordsOf(own) }]
    }),
  )
}

function parsed(parse: () => unknown): { ok: true; value: unknown } | { ok: false; why: string } {
  try {
    return { ok: true, value: parse() }
  } catch (error) {
    if (error instanceof z.ZodError) {
      return {
        ok: false,
        why: error.issues.map((it) => [it.path.join('.'), it.message].join(' ').trim()).join('; '),
      }
    }
    return { ok: false, why: error instanceof Error ? error.message : 'not understood' }
  }
}
