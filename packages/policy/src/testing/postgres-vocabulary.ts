import type { ProtocolVocabulary } from '../vocabulary.ts'

/** PostgreSQL's words, for tests of policies alone: the protocol's package owns the true ones. */
export const postgresVocabulary: ProtocolVocabulary = {
  name: 'postgres',
  actions: [
    { name: 'read', group: 'read', meaning: 'reads rows' },
    { name: 'insert', group: 'write', meaning: 'adds rows' },
    { name: 'update', group: 'write', meaning: 'changes rows' },
    { name: 'delete', group: 'write', meaning: 'removes rows' },
    { name: 'ddl', group: 'dangerous', meaning: 'creates, alters or drops objects' },
    { name: 'grant', group: 'dangerous', meaning: 'changes rights' },
    { name: 'admin', group: 'dangerous', meaning: 'administers the server' },
    { name: 'copy_program', group: 'dangerous', meaning: 'runs a program or opens a file on the server' },
    { name: 'call', group: 'dangerous', meaning: 'calls a procedure' },
    { name: 'unparsed', group: 'dangerous', meaning: 'cannot be understood' },
    { name: 'session', group: 'session', meaning: 'changes settings of the session' },
    { name: 'transaction', group: 'session', meaning: 'begins or ends a transaction' },
  ],
  facts: [
    { name: 'unfiltered', type: 'boolean', meaning: 'an UPDATE or DELETE that no predicate restricts' },
    { name: 'functions', type: 'strings', meaning: 'functions called' },
    { name: 'dynamic', type: 'boolean', meaning: 'what it does is only known when it runs' },
    { name: 'kinds', type: 'strings', meaning: 'kinds of statement' },
    { name: 'columns', type: 'strings', meaning: 'columns read' },
    { name: 'filtered_columns', type: 'strings', meaning: 'columns in predicates' },
    { name: 'settings', type: 'strings', meaning: 'settings changed by SET' },
    { name: 'locks', type: 'boolean', meaning: 'locks rows or tables' },
  ],
}
