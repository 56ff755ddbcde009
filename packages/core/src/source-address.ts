import { isIPv4, isIPv6 } from 'node:net'

/**
 * The address in what a connection says of its other end: `192.0.2.1:5432`, `[2001:db8::1]:22`, or without a port. An IPv4 address is
 * written as such, however the socket was opened.
 * @returns undefined for what is no address
 */
export function sourceAddress(text: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1]
  const plain = (bracketed ?? (isIPv6(text) ? text : text.replace(/:\d+$/, ''))).replace(/%.*$/, '')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain
  return isIPv4(mapped) || isIPv6(mapped) ? mapped : undefined
}
