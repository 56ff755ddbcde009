import { OAuthError } from './oauth-error.ts'

/**
 * The parameters of a request, each once but for those that may be repeated. One without a value is as good as none. RFC 6749 section 3.2,
 * RFC 8693 section 2.1
 */
export class Parameters {
  readonly #fields: URLSearchParams

  /** @throws OAuthError invalid_request where one stands twice */
  constructor(fields: URLSearchParams) {
    this.#fields = fields
    const names = [...fields.keys()].filter((name) => !repeatable.includes(name))
    // Which one is not said: what a client takes for a name may be its token.
    if (new Set(names).size < names.length)
      throw new OAuthError('invalid_request', 'a parameter stands there twice')
  }

  get(name: string): string | undefined {
    const value = this.#fields.get(name)
    return value === null || value === '' ? undefined : value
  }

  all(name: 'resource' | 'audience'): readonly string[] {
    return this.#fields.getAll(name).filter((value) => value !== '')
  }

  /** @throws OAuthError invalid_request */
  need(name: string): string {
    const value = this.get(name)
    if (value === undefined) throw new OAuthError('invalid_request', `the parameter ${name} is missing`)
    return value
  }
}

const repeatable: readonly string[] = ['resource', 'audience']
