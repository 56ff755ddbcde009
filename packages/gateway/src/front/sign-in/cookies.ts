import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Names with `__Host-`: no other host can set them, and they never leave by plain HTTP. A page's script cannot read them, and other
 * sites' requests do not carry them, but for links that people follow.
 */
export const cookies = {
  /** A browser's session. */
  session: '__Host-sallyport',
  /** The way to the provider and back. */
  flow: '__Host-sallyport-flow',
  /** A sign-in that was done anew, until the person says what for. */
  stepUp: '__Host-sallyport-step-up',
  /** The same for providers whose answer is a form that their own page sends: it comes with that, and says nothing but what was asked. */
  formFlow: '__Host-sallyport-form-flow',
} as const

export type CookieName = (typeof cookies)[keyof typeof cookies]

export function cookieOf(request: FastifyRequest, name: CookieName): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=')
    if (part.slice(0, at).trim() === name) return part.slice(at + 1).trim()
  }
  return undefined
}

/** @param seconds 0 takes it away */
export function setCookie(reply: FastifyReply, name: CookieName, value: string, seconds: number): void {
  const age = Math.max(0, Math.floor(seconds))
  const sameSite = name === cookies.formFlow ? 'None' : 'Lax'
  reply.header(
    'set-cookie',
    `${name}=${value}; Path=/; Max-Age=${age}; Secure; HttpOnly; SameSite=${sameSite}`,
  )
}
