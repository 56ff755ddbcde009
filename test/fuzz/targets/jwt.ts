import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { actorsOf, maxActors, Secret, systemClock, type Actor, type Issuer } from '@sallyport/core'
import { Federation, Tokens } from '@sallyport/identity'
import { openStore, type Store } from '@sallyport/store'
import { readJwt } from '../../../packages/identity/src/federation/jwt.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: what is shown as a token; or, behind a mark, the JSON of a header and of claims, to be signed by the issuer. */
export const target: Target = {
  name: 'jwt',
  promise:
    'no token is taken that its issuer has not signed for us, none is read in two ways, and nothing is thrown',
  unit: 'tokens',
  units: { long: 100_000, short: 300 },
  guide: /packages\/identity\/src\/federation\//,
  maxBytes: 10 * 1024,
  slowMs: 500,
  open: async () => new Shown(await openStore({ file: ':memory:', clock: systemClock })),
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const issuer: Issuer = {
  name: 'ci',
  issuer: 'https://ci.example',
  audiences: ['gateway'],
  authorizedParties: [],
  tokens: 'workload',
  algorithms: ['EdDSA'],
  actors: 'allowed',
  groupsClaim: '/a~1b/c',
  nameClaim: 'name',
  maxLifetimeSeconds: 3600,
  keys: { from: 'document', keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k' }] },
  rules: [
    { name: 'main', match: { ref: ['main', 'next'] }, is: { workload: 'shop' }, groups: [] },
    { name: 'people', match: { '/person/0': { startsWith: 'p' } }, is: 'person', groups: ['staff'] },
  ],
}
const now = Math.floor(Date.now() / 1000)
const header = { alg: 'EdDSA', kid: 'k', typ: 'JWT' }
const claims = { iss: issuer.issuer, aud: 'gateway', sub: 'job', iat: now, exp: now + 3600, ref: 'main' }
const delegated = {
  ...claims,
  act: { sub: 'claude', act: { sub: 'a/b', iss: 'https://x.example', act: { sub: 'ü' } } },
  may_act: { sub: 'robot' },
}
const person = { ...claims, ref: 1, person: ['p'], name: 'Dora', 'a/b': { c: ['dba'] } }

class Shown implements Subject {
  readonly #store: Store
  readonly #tokens: Tokens
  readonly #federation: Federation
  #isOpen = false

  constructor(store: Store) {
    this.#store = store
    this.#tokens = new Tokens(store, systemClock)
    this.#federation = new Federation({
      store,
      tokens: this.#tokens,
      clock: systemClock,
      onRefused: () => undefined,
    })
  }

  readonly seeds = [
    Buffer.from(signed(JSON.stringify(header), JSON.stringify(claims))),
    ...[claims, person, delegated].map((one) =>
      Buffer.from(`!${JSON.stringify(header)}\n${JSON.stringify(one)}`),
    ),
    Buffer.from('ey.ey.ey'),
    Buffer.from('!{}\n{}'),
  ]
  readonly words = [
    '!', '\n', '.', '{', '}', '[', ']', ',', ':', '""', '"alg":"none"', '"alg":"HS256"', '"crit":["exp"]', '"b64":false', '"kid":"k"', '"kid":"x"',
    '"aud":["gateway"]', '"aud":', '"\\u0061ud":"x"', '"azp":"x"', '"azp":"gateway"', '"nonce":1', '"exp":1e99', '"nbf":0', '"iat":-1', '"typ":"at+jwt"',
    '"__proto__":{"polluted":1}', '"constructor":', '"_claim_names":{"/a~1b/c":"x"}', '"person":["p"]', '"sub":', '"ref":["x","next"]', 'null', 'true', '\\ud800',
    '"act":{"sub":"claude"}', '"act":', '{"sub":"x","act":{"sub":"y"}}', '"may_act":', '"\\u0061ct":', '%2F', '\\u202e', '..',
  ].map((text) => Buffer.from(text)) // prettier-ignore

  readonly run = async (input: Buffer): Promise<number> => {
    if (!this.#isOpen) await this.#store.write('system', 'fuzz', (tx) => tx.issuers.put(issuer))
    this.#isOpen = true
    const text = input.toString('utf8')
    const end = text.indexOf('\n')
    const isToBeSigned = text.startsWith('!') && end > 0
    const parts = isToBeSigned ? [text.slice(1, end), text.slice(end + 1)] : undefined
    const token = parts === undefined ? text : signed(parts[0] ?? '', parts[1] ?? '')
    const read = readJwt(token)
    if ('claims' in read)
      for (const part of token.split('.', 2)) {
        const json = Buffer.from(part, 'base64url').toString('utf8')
        must(namesWritten(json) === namesRead(JSON.parse(json)), () => 'a name that stands twice was taken')
      }
    const taken = await this.#federation.examine(new Secret(token))
    if ('why' in taken)
      must(taken.why !== '' && !/[\p{Cc}\p{Zl}]/u.test(taken.why), () => 'refused without a plain reason')
    else {
      must('claims' in read, () => 'taken unread')
      must(wasSigned.has(digest(read.signed)), () => 'taken, and nobody has signed it')
      const { aud, iss, exp } = read.claims
      must(
        iss === issuer.issuer && [aud].flat().includes('gateway'),
        () => 'taken, and it is for somebody else',
      )
      must(Number(exp) * 1000 > Date.now() - 60_000, () => 'taken, and it is over')
      must(
        read.header['alg'] === 'EdDSA' && !('crit' in read.header),
        () => 'taken, and its header is another',
      )
      mustAct(taken.acting.actor, read.claims)
    }
    must(!('polluted' in {}), () => 'a prototype was changed')
    return 1
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#federation[Symbol.dispose]()
    this.#tokens[Symbol.dispose]()
    await this.#store[Symbol.asyncDispose]()
  }
}

/** Whoever acts is named behind the issuer, in harmless marks, and all of them in order. */
function mustAct(actor: Actor | undefined, claims: Readonly<Record<string, unknown>>): void {
  const actors = actor === undefined ? [] : actorsOf(actor)
  let act: unknown = claims
  for (const { kind, id, name } of actors) {
    act = (act as { act?: unknown }).act
    const { sub } = act as { sub: string }
    must(kind === 'agent' && id === `agent:${name}` && id.length <= 512, () => 'an actor is something else')
    must(
      /^ci(\/([A-Za-z0-9._~:@+=-]|%[0-9A-F]{2})+){1,2}$/.test(name),
      () => 'an actor’s name is not escaped',
    )
    must(decodeURIComponent(name.slice(name.lastIndexOf('/') + 1)) === sub, () => 'an actor is somebody else')
  }
  must(actors.length <= maxActors, () => 'more act than may')
  must(!Object.hasOwn(act as object, 'act'), () => 'somebody who acts was left out')
}

const wasSigned = new Set<string>()

function signed(head: string, body: string): string {
  const text = [head, body].map((json) => Buffer.from(json).toString('base64url')).join('.')
  wasSigned.add(digest(text))
  return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Names before a colon, in a text of JSON. */
function namesWritten(json: string): number {
  return [...json.matchAll(/"(?:[^"\\]|\\.)*"(?<colon>\s*:)?/g)].filter(
    (it) => it.groups?.['colon'] !== undefined,
  ).length
}

function namesRead(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value).reduce<number>((sum, one) => sum + namesRead(one), 0)
  return inner + (Array.isArray(value) ? 0 : Object.keys(value).length)
}
