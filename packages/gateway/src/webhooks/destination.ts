import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { Webhook } from '@sallyport/core'
import { DeliveryProblem } from './delivery-problem.ts'

/** Where a message goes: exactly these addresses are dialled, so that a name cannot change between check and use. */
export interface Destination {
  readonly url: URL
  /** Never empty. */
  readonly addresses: readonly string[]
}

/** All addresses of a name. Rejects where there is none. */
export type Resolve = (name: string) => Promise<readonly string[]>

/**
 * Whoever may declare a webhook must not reach through it what only this machine reaches. Refused are plain HTTP, loopback and private
 * networks unless the webhook allows them; and whatever it allows, link-local addresses and where clouds keep the credentials of
 * their machines.
 * @throws DeliveryProblem
 */
export async function destinationOf(
  text: string,
  allow: Webhook['allow'],
  resolve: Resolve = systemResolve,
): Promise<Destination> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['https:', 'http:'].includes(url.protocol))
    throw new DeliveryProblem('its url is no address of http or https')
  if (url.protocol === 'http:' && !allow.http)
    throw new DeliveryProblem('plain http is refused: its allow.http is not set')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const found = isIP(host) === 0 ? await resolved(resolve, host) : [host]
  const addresses = found.filter((address) => isPermitted(address, allow))
  if (addresses.length === 0)
    throw new DeliveryProblem(
      allow.private
        ? 'its host is an address that no webhook may reach'
        : 'its host is an address of a private network: its allow.private is not set',
    )
  return { url, addresses }
}

function isPermitted(address: string, allow: Webhook['allow']): boolean {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  return !never.check(address, family) && (allow.private || !privates.check(address, family))
}

async function resolved(resolve: Resolve, name: string): Promise<readonly string[]> {
  try {
    return await resolve(name)
  } catch {
    throw new DeliveryProblem('the name of its host cannot be resolved')
  }
}

async function systemResolve(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address)
}

function listOf(...ranges: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4')
  return list
}

/** RFC 6890, where clouds keep the credentials of their machines, and what a translator makes of addresses of IPv4. */
const never = listOf(
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['100.100.100.200', 32],
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  ['fd00:ec2::254', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
)
const privates = listOf(
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['198.18.0.0', 15],
  ['::1', 128],
  ['fc00::', 7],
  ['fec0::', 10],
)
