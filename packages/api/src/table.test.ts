import { describe, expect, test } from 'vitest'
import { apiPrefix, type Route } from './route.ts'
import { allRoutes } from './table.ts'

const named = allRoutes().map((it) => [`${it.noun}.${it.verb}`, it.route] as const)
const auths = ['anyone', 'token', 'replay', 'administer']

describe('the route table', () => {
  test('has no two routes at one place', () => {
    const places = named.map(([, { method, path }]) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`)
    expect(new Set(places).size).toBe(places.length)
  })

  test('lets nobody in without a token but to sign in, and to learn what is public', () => {
    const open = named.filter(([, { auth }]) => auth === 'anyone').map(([name]) => name)
    expect(open).toEqual([
      'setup.look',
      'setup.consume',
      'login.methods',
      'login.withCode',
      'login.withPassword',
      'device.begin',
      'device.token',
      'gateway.version',
      'gateway.signingKey',
      'gateway.authority',
      'gateway.sshAuthorities',
      'authorities.list',
    ])
  })

  test('lets what acts for somebody do little, and nothing that administers or answers', () => {
    const forActors = named.filter(([, route]) => route.forActors === true)
    expect(forActors.map(([name]) => name)).toEqual([
      'whoami.get',
      'whoami.logout',
      'tokens.list',
      'tokens.delegate',
      'tokens.revoke',
      'keys.certify',
      'resources.list',
      'resources.get',
      'policies.can',
      'requests.create',
      'requests.list',
      'requests.get',
      'requests.withdraw',
      'grants.list',
      'grants.revoke',
      'reviews.list',
      'reviews.get',
      'sessions.list',
      'sessions.get',
      'sessions.events',
      'sessions.asciicast',
      'sessions.export',
      'sessions.verify',
      'sessions.kill',
    ])
    for (const [, { auth }] of forActors) expect(['token', 'replay']).toContain(auth)
  })

  describe.each(named)('%s', (_, route) => {
    test('says who may call it, and stands below the prefix', () => {
      expect(auths).toContain(route.auth)
      expect(route.path).toMatch(/^(\/[a-z-]+|\/\{[a-z]+\})+$/)
      expect(apiPrefix + route.path).not.toContain('//')
      expect(route.summary).not.toMatch(/\.$/)
    })

    test('declares the parameters of its path', () => {
      const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((found) => found[1])
      expect(Object.keys(route.params?.shape ?? {})).toEqual(inPath)
    })

    test('has no key in two parts of its input', () => {
      const keys = parts(route).flatMap((part) => Object.keys(part.shape))
      expect(new Set(keys).size).toBe(keys.length)
    })

    test('takes a body only where the method has one', () => {
      expect(route.body !== undefined && ['GET', 'DELETE'].includes(route.method)).toBe(false)
    })

    test('has an example that its own schemas accept', () => {
      const input: Record<string, unknown> = { ...route.example.input }
      const known = new Set<string>()
      for (const part of parts(route)) {
        const own = Object.keys(part.shape)
        own.forEach((key) => known.add(key))
        part.parse(Object.fromEntries(own.filter((key) => key in input).map((key) => [key, input[key]])))
      }
      expect(Object.keys(input).filter((key) => !known.has(key))).toEqual([])
      if ('schema' in route.answer) route.answer.schema.parse(route.example.output)
    })

    test('refuses what it does not know', () => {
      for (const part of parts(route)) {
        expect(part.safeParse({ ...route.example.input, surprise: 1 }).success).toBe(false)
      }
    })
  })
})

const parts = (route: Route) => [route.params, route.query, route.body].filter((part) => part !== undefined)
