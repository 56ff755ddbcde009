import type { ActionSpec, FactSpec } from '@sallyport/core'

/** What policies may say of a PostgreSQL statement. */
export const actions: readonly ActionSpec[] = [
  { name: 'read', group: 'read', meaning: 'reads rows, or asks for a plan without running it' },
  { name: 'insert', group: 'write', meaning: 'adds rows: INSERT, MERGE, COPY FROM' },
  { name: 'update', group: 'write', meaning: 'changes rows, sequences or large objects' },
  { name: 'delete', group: 'write', meaning: 'removes rows: DELETE, MERGE, TRUNCATE' },
  { name: 'ddl', group: 'dangerous', meaning: 'creates, alters or drops an object' },
  { name: 'grant', group: 'dangerous', meaning: 'changes roles, owners or privileges' },
  {
    name: 'admin',
    group: 'dangerous',
    meaning: "administers the server, reaches its files or network, or changes the session's role",
  },
  {
    name: 'copy_program',
    group: 'dangerous',
    meaning: "runs a program on the server's machine: COPY … PROGRAM",
  },
  {
    name: 'call',
    group: 'dangerous',
    meaning:
      'runs code whose effects its text does not show: CALL, DO, volatile functions in other languages than SQL, SQL given as text',
  },
  { name: 'unparsed', group: 'dangerous', meaning: 'could not be understood: it may do anything' },
  {
    name: 'session',
    group: 'session',
    meaning: 'changes or asks about the session: SET, SHOW, LISTEN, PREPARE, cursors',
  },
  { name: 'transaction', group: 'session', meaning: 'begins or ends a transaction or savepoint' },
]

/** What a statement's facts say beyond its actions and objects. All are always present. */
export const facts: readonly FactSpec[] = [
  {
    name: 'unfiltered',
    type: 'boolean',
    meaning: 'an UPDATE, DELETE or MERGE whose condition restricts nothing, or a TRUNCATE',
  },
  {
    name: 'functions',
    type: 'strings',
    meaning: 'functions called, by schema: `pg_catalog.lower`; `?.f` where it is not known',
  },
  {
    name: 'dynamic',
    type: 'boolean',
    meaning: 'part of what it does is not in its text: user functions, DO, CALL, SQL in strings',
  },
  {
    name: 'kinds',
    type: 'strings',
    meaning: 'kinds of statement, inner ones too: `select`, `create_table`, `copy_from`',
  },
  { name: 'columns', type: 'strings', meaning: 'columns read: `public.customers.email`' },
  { name: 'filtered_columns', type: 'strings', meaning: 'columns used to filter, join, group or order' },
  {
    name: 'settings',
    type: 'strings',
    meaning: 'settings changed: `search_path`; `?` where the name is computed',
  },
  { name: 'locks', type: 'boolean', meaning: 'takes locks explicitly: FOR UPDATE, LOCK, advisory locks' },
]
