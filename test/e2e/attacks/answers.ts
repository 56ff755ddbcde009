import { describe, expect, test } from 'vitest'
import { bind, copyData, copyDone, execute, parse, query, sync } from '../../world/raw-messages.ts'
import { update, clear, secret, writer, type Batch, type Ground } from './ground.ts'

export function byAnswers({ shown }: Ground): void {
  describe('by counting answers', () => {
    const shifted: Batch = [sync(), query('select 1/0'), query(clear), query(secret), query(clear)]

    test('a Sync that the server ignores while it copies in is not waited for', async () => {
      expect(
        await shown(writer, [
          query('copy app.inbox from stdin; copy app.inbox from stdin'),
          copyDone(),
          sync(),
          copyDone(),
          ...shifted.slice(1),
        ]),
      ).toBeUndefined()
    })

    test.each([
      ['a view', 'app.distinct_ids', []],
      ['data that do not fit', 'app.inbox', [copyData('bad\n')]],
    ])('a Sync that the server answers after it failed to copy in %s is counted', async (_, into, rows) => {
      const copies = `copy ${into} from stdin`
      expect(
        await shown(writer, [query(copies), ...rows, sync(), query(secret), query(clear)]),
      ).toBeUndefined()
      expect(await shown(writer, [query(copies), ...rows, sync(), ...shifted])).toBeUndefined()
      expect(
        await shown(writer, [query(copies), ...rows, sync(), copyDone(), query(secret), query(clear)]),
      ).toBeUndefined()
      expect(
        await shown(writer, [
          parse(copies),
          bind(),
          execute(),
          ...rows,
          sync(),
          copyDone(),
          sync(),
          query(secret),
          query(clear),
          query(clear),
        ]),
      ).toBeUndefined()
    })

    test('a question in the midst of a COPY ends the session before anything is mistaken', async () => {
      expect(
        await shown(writer, [query('copy app.inbox from stdin'), query(clear), query(secret), query(clear)]),
      ).toBeUndefined()
    })

    test('what is copied in is data, whatever it looks like', async () => {
      expect(
        await shown(writer, [copyData(query(update('smuggled'))), copyDone(), query(clear)]),
      ).toBeUndefined()
      expect(
        await shown(writer, [
          query('copy app.inbox from stdin'),
          copyData(query(update('smuggled'))),
          copyDone(),
        ]),
      ).toBeUndefined()
    })
  })
}
