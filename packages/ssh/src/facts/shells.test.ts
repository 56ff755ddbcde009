import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commandText } from '../testing/command-texts.ts'
import { shellTraps } from '../testing/shell-traps.ts'
import { contradiction, isOpen, Shells } from '../testing/shells.ts'
import { factsOfCommand } from './command.ts'
import { literalWords } from './literal.ts'

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
      if (!isSimple && isOpen(known)) return
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

const places = String.raw`_ a_ _b a_b __ -_ --x=_ a:_ _= a,_ \_ a\_b '_' "_" a'_'b a"_"b`.split(' ')

test('no program runs unnamed in what is hard to read', { timeout: 120_000 }, () => {
  using shells = new Shells()
  for (const text of shellTraps.filter((each) => !isOpen(facts(each))))
    for (const shell of ['dash', 'bash'])
      expect([shell, text, contradiction(facts(text), shells.run(shell, text))]).toEqual([
        shell,
        text,
        undefined,
      ])
})

test('every mark is to every shell what it is said to be, wherever it stands', () => {
  using shells = new Shells()
  const marks = [...Array.from({ length: 95 }, (_, i) => String.fromCharCode(0x20 + i)), 'é', '日', '👍', '½']
  const words = marks
    .flatMap((c) => places.map((place) => place.replaceAll('_', () => c)))
    .filter((word) => literalWords(`p ${word}`)?.length === 2)
  expect(words.length).toBeGreaterThan(1_000)
  for (let from = 0; from < words.length; from += 100) {
    const text = `p ${words.slice(from, from + 100).join(' ')}`
    for (const shell of shells.names)
      expect([shell, contradiction(facts(text), shells.run(shell, text))]).toEqual([shell, undefined])
  }
})

test('the comparison would notice what is not so', () => {
  using shells = new Shells()
  const ran = shells.run('dash', 'p a; q')
  expect(ran).toEqual([['p', 'a'], ['q']])
  expect(contradiction(facts('p a'), ran)).toContain('it was to run exactly ["p","a"]')
  expect(contradiction(facts('p a; r'), ran)).toContain('it ran ["q"]')
  expect(contradiction(facts('p a; q'), ran)).toBeUndefined()
})
