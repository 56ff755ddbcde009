import { DatabaseSync } from 'node:sqlite'
import { beforeEach, describe, expect, test } from 'vitest'
import { PreparedStatements } from './prepared-statements.ts'

describe('statements that are prepared', () => {
  let database: DatabaseSync
  let statements: PreparedStatements
  beforeEach(() => {
    database = new DatabaseSync(':memory:')
    database.exec('create table "t" ("id" integer primary key, "text" text not null) strict')
    statements = new PreparedStatements(database)
    return () => database.close()
  })

  test('are prepared once for all the times that they run, and tell whether they answer with rows', () => {
    const insert = 'insert into "t" ("text") values (?)'
    expect(statements.get(insert).isReader).toBe(false)
    for (const text of ['one', 'two']) statements.get(insert).statement.run(text)
    expect(statements.get(insert)).toBe(statements.get(insert))
    const select = 'select "text" from "t" where "id" = ?'
    expect(statements.get(select).isReader).toBe(true)
    expect(statements.get(select).statement.all(2)).toEqual([{ text: 'two' }])
    expect(statements.get(select).statement.all(1)).toEqual([{ text: 'one' }])
  })

  test('run again after they failed', () => {
    const insert = 'insert into "t" ("id", "text") values (?, ?)'
    expect(statements.get(insert).statement.run(1, 'one').changes).toBe(1)
    expect(() => statements.get(insert).statement.run(1, 'again')).toThrow(/UNIQUE/)
    expect(statements.get(insert).statement.run(2, 'two').changes).toBe(1)
  })

  test('see columns that were added since', () => {
    const select = 'select * from "t"'
    database.exec(`insert into "t" values (1, 'one')`)
    expect(statements.get(select).statement.all()).toEqual([{ id: 1, text: 'one' }])
    database.exec('alter table "t" add column "more" integer')
    expect(statements.get(select).statement.all()).toEqual([{ id: 1, text: 'one', more: null }])
  })

  test('are prepared anew each time where they may act while they are prepared', () => {
    const pragma = 'pragma synchronous = normal'
    expect(statements.get(pragma).statement).not.toBe(statements.get(pragma).statement)
  })
})
