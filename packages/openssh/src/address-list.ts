import { isIP } from 'node:net'
import { Malformed } from './wire.ts'

/**
 * Whether an address is in a list of networks, as a certificate's `source-address` has it: addresses and `ADDRESS/BITS`, separated
 * by commas. An IPv4 address is the same whether it came as one or inside an IPv6 one.
 * @throws Malformed where the list has anything else in it, such as bits of a host in a network
 */
export function isInAddressList(list: string, address: string): boolean {
  const entries = list.split(',')
  if (entries.length > maxEntries) throw new Malformed(`more than ${maxEntries} networks`)
  const networks = entries.map(networkOf)
  const bytes = bytesOf(address.replace(/%.*$/, ''))
  if (bytes === undefined) return false
  // A network of IPv6 holds none of IPv4, however wide it is.
  const isV4 = isMapped(bytes)
  return networks.some(
    (network) => isV4 === (isMapped(network.bytes) && network.bits >= mappedBits) && isIn(network, bytes),
  )
}

interface Network {
  readonly bytes: Uint8Array
  readonly bits: number
}

function networkOf(text: string): Network {
  const [, address = '', length] = /^([^/]*)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const bytes = bytesOf(address)
  const family = isIP(address)
  if (bytes === undefined) throw new Malformed('a network that is none')
  const all = family === 4 ? 32 : 128
  const bits = length === undefined ? all : Number(length)
  if (bits > all) throw new Malformed('a network of more bits than an address has')
  const network = { bytes, bits: family === 4 ? bits + mappedBits : bits }
  if (!isIn(network, bytes, true)) throw new Malformed('a network with bits of a host')
  return network
}

/** @param isExact whether all that follows the network's bits must be zero, too */
function isIn({ bytes, bits }: Network, address: Uint8Array, isExact = false): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const mask = (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))) & 0xff
    const byte = address[at] ?? 0
    if ((byte & mask) !== ((bytes[at] ?? 0) & mask) || (isExact && (byte & ~mask) !== 0)) return false
  }
  return true
}

/** All addresses as IPv6 has them; undefined where it is none, or has a zone. */
function bytesOf(address: string): Uint8Array | undefined {
  const family = address.includes('%') ? 0 : isIP(address)
  if (family === 0) return undefined
  if (family === 4) return Uint8Array.of(...mapped, ...fromDots(address))
  const dots = /[\d.]+\.\d+$/.exec(address)?.[0]
  const groups =
    dots === undefined
      ? address
      : address.slice(0, -dots.length) +
        fromDots(dots)
          .map(hex)
          .join('')
          .replace(/^(.{4})/, '$1:')
  const [head = '', tail] = groups.split('::')
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return Uint8Array.from(
    [...before, ...(tail === undefined ? [] : zeros), ...after].flatMap((it) => [it >> 8, it & 0xff]),
  )
}

function isMapped(bytes: Uint8Array): boolean {
  return mapped.every((byte, at) => byte === bytes[at])
}

function groupsOf(text: string): readonly number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function fromDots(address: string): readonly number[] {
  return address.split('.').map(Number)
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** `::ffff:0:0/96`, where IPv4 lies in IPv6. */
const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
const mappedBits = mapped.length * 8
const maxEntries = 256
