import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { Failure } from '@sallyport/proto'
import { DialFailure, type Allow } from '@sallyport/tunnel'

/** One line of the allowlist: a host name, a wildcard, an address or a range, with a port or `*`. */
export type AllowPattern = { readonly port: number | '*' } & (
  | { readonly kind: 'any' }
  | { readonly kind: 'name'; readonly name: string }
  /** The name's end, with its first dot: any host below it. */
  | { readonly kind: 'below'; readonly suffix: string }
  | { readonly kind: 'range'; readonly range: Range }
)

interface Range {
  readonly network: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** All addresses of a name, in the order to try them. Rejects where there is none. */
export type Resolve = (name: string) => Promise<readonly string[]>

/** Patterns such as `db.internal:5432`, `*.orders.internal:5432`, `10.4.0.0/16:22`, `[fd00::/8]:*`; undefined for anything else. */
export function parseAllowPattern(text: string): AllowPattern | undefined {
  const [, bracketed, plain, portText = ''] = shape.exec(text.trim()) ?? []
  const host = (bracketed ?? plain ?? '').toLowerCase().replace(/\.$/, '')
  const port = portText === '*' ? '*' : Number(portText)
  if (port !== '*' && !(port >= 1 && port <= 65_535)) return undefined
  if (host === '*') return { kind: 'any', port }
  const range = parseRange(host)
  if (range !== undefined) return { kind: 'range', range, port }
  if (bracketed !== undefined) return undefined
  const name = host.replace(/^\*\./, '')
  if (name.length > 253 || !hostName.test(name)) return undefined
  return host === name ? { kind: 'name', name, port } : { kind: 'below', suffix: `.${name}`, port }
}

/**
 * The agent's own consent. Names are resolved here, what they resolve to is checked, and exactly that is what is dialled, so that
 * a name cannot change between check and use. This machine and its network's own services (loopback, link-local, cloud metadata…)
 * are refused unless a pattern names them, and no wider range: a name that turns out to point there does not do.
 * @param patterns Undefined: everything but those.
 */
export function allowlist(
  patterns: readonly AllowPattern[] | undefined,
  resolve: Resolve = systemResolve,
): Allow {
  return async (host, port) => {
    const name = host.toLowerCase().replace(/\.$/, '')
    const candidates = (patterns ?? [{ kind: 'any', port: '*' } as const]).filter(
      (pattern) => pattern.port === '*' || pattern.port === port,
    )
    // Without any pattern for the port there is nothing to look up: a gateway cannot use us to scan names.
    if (candidates.length === 0) throw notAllowed(host, port)
    const addresses = isIP(name) === 0 ? await resolved(resolve, name) : [name]
    const permitted = addresses.filter((address) =>
      candidates.some((pattern) => permits(pattern, name, address)),
    )
    if (permitted.length === 0) throw notAllowed(host, port)
    return permitted
  }
}

function permits(pattern: AllowPattern, name: string, address: string): boolean {
  const isOwn = isSpecial(address)
  switch (pattern.kind) {
    case 'any':
      return !isOwn
    case 'name':
      return pattern.name === name && (!isOwn || (name === 'localhost' && isLoopback(address)))
    case 'below':
      return name.endsWith(pattern.suffix) && !isOwn
    case 'range':
      return (
        contains(pattern.range, address) && (!isOwn || special.some((own) => isWithin(pattern.range, own)))
      )
  }
}

async function resolved(resolve: Resolve, name: string): Promise<readonly string[]> {
  try {
    return await resolve(name)
  } catch (cause) {
    throw new DialFailure(Failure.UNREACHABLE, `the name ${name} cannot be resolved`, { cause })
  }
}

async function systemResolve(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true, order: 'ipv4first' })).map(({ address }) => address)
}

function notAllowed(host: string, port: number): DialFailure {
  return new DialFailure(Failure.NOT_ALLOWED, `${host}:${port} is not on this agent's allowlist`)
}

function parseRange(text: string): Range | undefined {
  const [address = '', prefixText] = text.split('/')
  const version = isIP(address)
  if (version === 0 || address.includes('%')) return undefined
  const bits = version === 4 ? 32 : 128
  const prefix =
    prefixText === undefined ? bits : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Infinity
  if (prefix > bits) return undefined
  return { network: address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** An address of IPv6 that only wraps one of IPv4 is that one: RFC 4291 §2.5.5.2. */
function contains({ network, prefix, family }: Range, address: string): boolean {
  const list = new BlockList()
  list.addSubnet(network, prefix, family)
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

function isWithin(inner: Range, outer: Range): boolean {
  return inner.family === outer.family && inner.prefix >= outer.prefix && contains(outer, inner.network)
}

function isSpecial(address: string): boolean {
  return special.some((range) => contains(range, address))
}

function isLoopback(address: string): boolean {
  return loopback.some((range) => contains(range, address))
}

/** `[address or range]:port` or `host:port`; a plain host has no colon. */
const shape = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\*|\d{1,5})$/
const hostName = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

const v4 = (network: string, prefix: number): Range => ({ network, prefix, family: 'ipv4' })
const v6 = (network: string, prefix: number): Range => ({ network, prefix, family: 'ipv6' })

const loopback = [v4('127.0.0.0', 8), v6('::1', 128)]

/** What is this machine's or its network's own: RFC 6890, and where clouds keep the credentials of their machines. */
const special: readonly Range[] = [
  ...loopback,
  v4('0.0.0.0', 8),
  v4('169.254.0.0', 16),
  v4('224.0.0.0', 4),
  v4('240.0.0.0', 4),
  v4('100.100.100.200', 32),
  v4('192.0.0.192', 32),
  v6('::', 128),
  v6('fe80::', 10),
  v6('ff00::', 8),
  v6('fd00:ec2::254', 128),
  // Addresses of IPv4 behind a translator (RFC 6052, RFC 8215) would reach all of the above.
  v6('64:ff9b::', 96),
  v6('64:ff9b:1::', 48),
]
