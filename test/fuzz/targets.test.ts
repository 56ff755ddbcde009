import { expect, test } from 'vitest'
import { search } from './search.ts'
import { targetNamed, targetNames } from './targets.ts'

/** The short form: the same in each run, and without real servers but where there is nothing without. `npm run fuzz` is the long one. */
test.each(targetNames)(
  '%s: what must hold does, for a while of inputs',
  { timeout: 120_000 },
  async (name) => {
    const target = await targetNamed(name)
    const servers = target.needsServers === true
    await using subject = await target.open({ servers })
    const { units, findings } = await search(target, subject, {
      seed: 1,
      units: target.units.short,
      lastsMs: servers ? 8_000 : 3_000,
    })
    expect(findings.map(({ words }) => words)).toEqual([])
    expect(units).toBeGreaterThan(0)
  },
)
