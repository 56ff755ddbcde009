import { expect, test } from 'vitest'
import type { TestBed } from './bed.ts'
import { listOf } from './list.ts'
import type { Measurement, Reading, SettingName } from './measurement.ts'
import type { OpenRoutes, Route } from './route.ts'
import { measurements } from './measurements/index.ts'
import { readOptions } from './options.ts'
import { runRounds } from './rounds.ts'

const ground = { bed: {} as TestBed, seconds: 5, rounds: 3 } // nothing here looks at it
const row = { name: 'speed', figure: 'speed', unit: '/s', better: 'higher', targets: [] } as const

test('rounds are interleaved, and each begins with another route', async () => {
  const order: string[] = []
  const measure = ({ name }: Route, { seconds }: { seconds: number }): Promise<Reading> => {
    order.push(`${name} ${seconds}`)
    return Promise.resolve({ figures: { speed: order.length } })
  }
  const compared: Measurement = { setting: 'near', routes: ['direct', 'relay'], rows: [row], measure }
  const { samples } = await runRounds(
    [compared],
    settings(['direct', 'relay', 'sallyport']),
    ground,
    () => {},
  )
  const rounds = ['direct 5', 'relay 5', 'relay 5', 'direct 5', 'direct 5', 'relay 5']
  expect(order).toEqual(['direct 10', 'relay 10', ...rounds])
  expect(samples.of('speed', 'direct').values).toEqual([3, 6, 7])
})

test('what takes long runs in fewer rounds, and what cannot be measured says why', async () => {
  let runs = 0
  const long: Measurement = {
    setting: 'alone',
    mostRounds: 2,
    rows: [row],
    measure: () => Promise.resolve(++runs === 1 ? { figures: { speed: 1 } } : 'no memory'),
  }
  const { samples, missing } = await runRounds([long], settings([]), ground, () => {})
  expect(runs).toBe(2)
  expect(samples.of('speed', 'sallyport').values).toEqual([1])
  expect(missing.get('speed')).toEqual({ sallyport: 'no memory' })
})

test('a wrong answer ends the run', async () => {
  const wrong: Measurement = {
    setting: 'near',
    routes: ['direct'],
    rows: [row],
    measure: () => Promise.reject(new Error('9 rows instead of 10')),
  }
  await expect(runRounds([wrong], settings(['direct']), ground, () => {})).rejects.toThrow('instead of 10')
})

test('every row has a name of its own, and is listed', () => {
  const names = measurements.flatMap(({ rows }) => rows.map(({ name }) => name))
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(listOf(measurements)).toContain(name)
})

test('every target asks for routes that its measurement has', () => {
  for (const measurement of measurements) {
    const routes = measurement.setting === 'alone' ? ['sallyport'] : measurement.routes
    for (const target of measurement.rows.flatMap(({ targets }) => targets))
      expect(routes).toEqual(expect.arrayContaining([...target.needs]))
  }
})

test('options that make no sense are refused', () => {
  expect(() => readOptions(['--rounds', '0'])).toThrow('--rounds')
  expect(() => readOptions(['--round', '1'])).toThrow('--round')
  expect(readOptions(['--only', 'COPY', '--compare', 'old.json'])).toMatchObject({
    compare: 'old.json',
    rounds: 5,
  })
})

function settings(names: readonly Route['name'][]): Record<SettingName, OpenRoutes> {
  const endpoint = { host: '', port: 0, user: '', password: '', database: '' }
  const routes = names.map((name) => ({ name, endpoint, processes: [] }))
  const open = { routes, missing: {}, [Symbol.asyncDispose]: () => Promise.resolve() }
  return { near: open, far: open, cores: open, ssh: open }
}
