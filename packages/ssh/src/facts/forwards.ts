import type { Facts } from '@sallyport/core'
import { Draft } from './draft.ts'
import { filePath } from './paths.ts'

/** What is asked of the network around the target. */
export type ForwardRequest =
  | {
      /** direct-tcpip: the target connects to it. */
      readonly kind: 'forward-local'
      readonly host: string
      readonly port: number
    }
  | {
      /** tcpip-forward: the target listens there; 0 is a port that it chooses. */
      readonly kind: 'forward-remote'
      readonly host: string
      readonly port: number
    }
  | {
      /** direct-streamlocal, and streamlocal-forward for `forward-remote`. */
      readonly kind: 'forward-socket' | 'forward-remote-socket'
      readonly path: Uint8Array
    }
  | { readonly kind: 'forward-x11' | 'forward-agent' }

/**
 * What a forward does. A host is told as the target would connect to it: in lower case, addresses in their usual form. Where a
 * name leads, only the target knows.
 */
export function factsOfForward(request: ForwardRequest): Facts {
  const draft = new Draft()
  switch (request.kind) {
    case 'forward-local':
    case 'forward-remote': {
      const listens = request.kind === 'forward-remote'
      draft.actions.add(request.kind)
      const host = listens && (request.host === '' || request.host === '*') ? '*' : usualHost(request.host)
      const isPort =
        Number.isInteger(request.port) && request.port >= (listens ? 0 : 1) && request.port <= 65_535
      if (host === undefined || !isPort) {
        draft.unparsed()
        break
      }
      draft.host = host
      draft.port = request.port
      draft.isLoopback = isLoopback(host) || (!listens && isAnyAddress(host))
      draft.object(['hosts', host, `${request.port}`], request.kind)
      break
    }
    case 'forward-socket':
    case 'forward-remote-socket':
      draft.file(
        filePath(request.path),
        request.kind === 'forward-socket' ? 'forward-socket' : 'forward-remote',
        'writes',
      )
      break
    case 'forward-x11':
    case 'forward-agent':
      draft.actions.add(request.kind)
      break
  }
  return draft.finish()
}

/** A name in lower case without a dot at its end, or an address in its usual form; undefined where it is neither. */
function usualHost(host: string): string | undefined {
  if (host.length > 255) return undefined
  const isName = /^[A-Za-z0-9_.-]+$/.test(host)
  if (!isName && !/^[0-9A-Fa-f:.]+$/.test(host)) return undefined
  // Short, octal and hexadecimal forms lead to the same address: 127.1, 0x7f000001.
  const url = URL.parse(`http://${isName ? host : `[${host}]`}/`)
  if (url === null) return undefined
  const usual = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(usual) ?? []
  if (high === undefined || low === undefined) return usual === '' ? undefined : usual
  const address = Number.parseInt(high, 16) * 0x1_0000 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join('.')
}

function isLoopback(host: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|::1)$/.test(host)
}

/** To connect to it is to connect to oneself. */
function isAnyAddress(host: string): boolean {
  return host === '::' || /^0(?:\.\d+){3}$/.test(host)
}
