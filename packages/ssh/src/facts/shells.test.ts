import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commandText } from '../testing/command-texts.ts'
import { contradiction, Shells } from '../testing/shells.ts'
import { factsOfCommand } from './command.ts'

/** Commands that nobody would write, run by every shell that is on this machine, and compared with what was said of them. */

const facts = (text: string) =>
  factsOfCommand({ bytes: Buffer.from(text), hasTerminal: false, environment: [] })

test('shells run what facts say', { timeout: 120_000 }, () => {
  using shells = new Shells()
  expect(shells.names).toEqual(expect.arrayContaining(['dash', 'bash']))
  const choices = fc.infiniteStream(fc.nat(0xffff))
  let compared = 0
  fc.assert(
    fc.property(choices, (stream) => {
      const text = commandText((limit) => (stream.next().value as number) % limit)
      const known = facts(text)
      const isSimple = known.context['simple'] === true
      if (!isSimple && (known.actions.includes('unparsed') || known.context['dynamic'] === true)) return
      for (const shell of isSimple ? shells.names : ['dash', 'bash'])
        expect([shell, text, contradiction(known, shells.run(shell, text))]).toEqual([shell, text, undefined])
      compared++
    }),
    { seed: 7, numRuns: 400 },
  )
  expect(compared).toBeGreaterThan(60)
})

test.each([
  ["p 'a b' \"c d\" e\\ f ''", true],
  ['p a=b +%s a%b --x=1 a:b,c@d', true],
  [String.raw`p \$X \;\* \"\'\\ \# \~ \{a,b\} \[a\]`, true],
  [`p 'it'"'"'s' '$X' "*" '#' ';'`, true],
  ["p 'größe' '日本' '👍'", true],
  ['/bin/true', true],
  ['p | q && ! r; (rm x) & { ls; }', false],
  ['sh -c \'p; bash -c "q | r"\'', true],
  ['env A=1 nice -n 5 nohup p', true],
  ['p `q` "$(r)" <<E\n$(rm)\nE', false],
  ['if p; then q; fi; for i in a b; do r; done; case a in a) ls;; esac', false],
])('shells run %j as facts say', (text, isSimple) => {
  using shells = new Shells()
  const known = facts(text)
  expect(known.context).toMatchObject({ simple: isSimple, dynamic: false })
  for (const shell of isSimple ? shells.names : ['dash', 'bash'])
    expect([shell, contradiction(known, shells.run(shell, text))]).toEqual([shell, undefined])
})

test('the comparison would notice what is not so', () => {
  using shells = new Shells()
  const ran = shells.run('dash', 'p a; q')
  expect(ran).toEqual([['p', 'a'], ['q']])
  expect(contradiction(facts('p a'), ran)).toContain('it was to run exactly ["p","a"]')
  expect(contradiction(facts('p a; r'), ran)).toContain('it ran ["q"]')
  expect(contradiction(facts('p a; q'), ran)).toBeUndefined()
})
