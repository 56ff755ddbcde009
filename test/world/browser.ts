import { request } from 'node:https'

/** What a browser shows. */
export interface Shown {
  readonly url: URL
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/**
 * A browser without a screen: cookies by host, redirects, and forms as they stand in the page. Forms of another site come with those cookies
 * alone that are for that.
 */
export class Browser {
  readonly #trusted: readonly string[]
  readonly #cookies = new Map<string, Map<string, string>>()
  /** Names of those that other sites' forms come with (`SameSite=None`), by host. */
  readonly #crossing = new Set<string>()
  /** All addresses that it went to. */
  readonly visited: URL[] = []

  /** @param trusted PEM of authorities */
  constructor(trusted: readonly string[]) {
    this.#trusted = trusted
  }

  cookies(url: URL): Map<string, string> {
    const known = this.#cookies.get(url.host) ?? new Map<string, string>()
    this.#cookies.set(url.host, known)
    return known
  }

  /** Where it is sent on, it goes, until it is sent to plain HTTP: what a program over loopback waits for. */
  async go(
    to: URL | string,
    body?: URLSearchParams,
    headers: Readonly<Record<string, string>> = {},
    from?: URL,
  ): Promise<Shown> {
    let url = new URL(to)
    let answer = await this.ask(url, body, headers, from)
    for (let redirects = 0; redirects < 20; redirects++) {
      const { location } = answer.headers
      if (typeof location !== 'string' || answer.status < 300 || answer.status > 399) return answer
      url = new URL(location, url)
      if (url.protocol === 'http:') return { ...answer, url }
      answer = await this.ask(url)
    }
    throw new Error(`${String(to)} leads in circles`)
  }

  /** Sends the page's form, with what is typed into it. @param button name and value of the one that is pressed */
  submit(
    { url, text }: Shown,
    typed: Readonly<Record<string, string>> = {},
    action?: string,
  ): Promise<Shown> {
    const forms = [...text.matchAll(/<form[^>]*action="(?<action>[^"]*)"[^>]*>(?<inside>.*?)<\/form>/gs)]
    const form = forms.find(
      ({ groups }) => action === undefined || groups?.['action']?.includes(action) === true,
    )
    if (form?.groups === undefined) throw new Error(`there is no form at ${url.href}: ${text.slice(0, 500)}`)
    const fields = new URLSearchParams()
    for (const [input] of (form.groups['inside'] ?? '').matchAll(/<input[^>]*>/g)) {
      const name = /\bname="([^"]*)"/.exec(input)?.[1]
      if (name !== undefined) fields.set(name, unescaped(/\bvalue="([^"]*)"/.exec(input)?.[1] ?? ''))
    }
    for (const [name, value] of Object.entries(typed)) fields.set(name, value)
    const target = new URL(unescaped(form.groups['action'] ?? ''), url)
    const site =
      target.origin === url.origin ? 'same-origin' : isSameSite(target, url) ? 'same-site' : 'cross-site'
    return this.go(target, fields, { origin: url.origin, 'sec-fetch-site': site }, url)
  }

  /** One request, without following where it is sent on. @param from whose page has the form that is sent */
  ask(
    url: URL,
    body?: URLSearchParams,
    headers: Readonly<Record<string, string>> = {},
    from?: URL,
  ): Promise<Shown> {
    this.visited.push(url)
    const kept = this.cookies(url)
    const crosses = body !== undefined && from !== undefined && !isSameSite(url, from)
    const cookies = new Map(
      [...kept].filter(([name]) => !crosses || this.#crossing.has(`${url.host} ${name}`)),
    )
    const text = body?.toString()
    return new Promise((resolve, reject) => {
      const sent = request(
        url,
        {
          method: text === undefined ? 'GET' : 'POST',
          agent: false,
          ca: [...this.#trusted],
          headers: {
            ...headers,
            ...(cookies.size > 0 && {
              cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
            }),
            ...(text !== undefined && {
              'content-type': 'application/x-www-form-urlencoded',
              'content-length': Buffer.byteLength(text),
            }),
          },
        },
        (response) => {
          let whole = ''
          for (const line of response.headers['set-cookie'] ?? []) {
            keep(kept, line)
            if (/; SameSite=None(;|$)/i.test(line))
              this.#crossing.add(`${url.host} ${line.split('=', 1)[0] ?? ''}`)
          }
          response.setEncoding('utf8').on('data', (part: string) => (whole += part))
          response.on('end', () => {
            resolve({ url, status: response.statusCode ?? 0, text: whole, headers: response.headers })
          })
        },
      )
      sent.on('error', reject)
      sent.end(text)
    })
  }
}

/** Whatever the port. */
function isSameSite(one: URL, other: URL): boolean {
  return one.protocol === other.protocol && one.hostname === other.hostname
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
  const at = pair.indexOf('=')
  const isOver = attributes.some((one) => /^max-age=0$/i.test(one) || /^expires=Thu, 01 Jan 1970/i.test(one))
  if (isOver) cookies.delete(pair.slice(0, at))
  else cookies.set(pair.slice(0, at), pair.slice(at + 1))
}

function unescaped(text: string): string {
  return text
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}
