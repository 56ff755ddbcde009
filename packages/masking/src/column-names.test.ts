import { expect, test } from 'vitest'
import { tagByName } from './column-names.ts'

test.each([
  ['email', 'pii.email'],
  ['billingEMail', 'pii.email'],
  ['E-Mail Address', 'pii.email'],
  ['mobile_no', 'pii.phone'],
  ['cardNumber', 'pii.card'],
  ['customer_iban', 'pii.iban'],
  ['password_hash', 'secret.key'],
  ['date_of_birth', 'pii.birthdate'],
  ['lastName', 'pii.name'],
  ['zip', 'pii.address'],
])('a column called %s speaks for %s', (name, tag) => expect(tagByName(name)).toBe(tag))

test.each([
  'id',
  'name',
  'mailbox_id',
  'cardinality',
  'company',
  'telemetry',
  'tokenizer',
  'spanning',
  'zipped',
])('a column called %s says nothing', (name) => expect(tagByName(name)).toBeUndefined())
