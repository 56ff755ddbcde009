import { chance, type Chance } from './chance.ts'
import { ibanOf, withLuhn } from './check-digits.ts'
import { countries } from './names.ts'

/** A row of the table, by its columns' names. */
export interface Customer {
  readonly id: number
  readonly name: string
  readonly email: string
  readonly phone: string
  readonly card_number: string
  readonly iban: string | null
  readonly ssn: string | null
  readonly city: string
  readonly country: string
  readonly notes: string | null
  readonly created_at: string
}

/**
 * The shop's customers, the same each time. Nothing leads to a real person: addresses are under example domains (RFC 2606),
 * telephone numbers from the ranges kept for fiction, cards from payment providers' test ranges, bank codes unassigned, social
 * security numbers from an area that is never issued. All have right check digits.
 */
export function customers(count: number): readonly Customer[] {
  const luck = chance(20_250_301)
  const taken = new Set<string>()
  return Array.from({ length: count }, (_, at) => {
    const country = luck.pick(countries)
    const [first, last] = [luck.pick(country.first), luck.pick(country.last)]
    const phone = phones[country.code]!(luck)
    const cardNumber = card(luck)
    const email = freeAddress(`${plain(first)}.${plain(last)}`, luck.pick(mailDomains), taken)
    return {
      id: at + 1,
      name: `${first} ${last}`,
      email,
      phone,
      card_number: cardNumber,
      iban: ibans[country.code]?.(luck) ?? null,
      ssn: country.code === 'US' ? socialSecurityNumber(luck) : null,
      city: luck.pick(country.cities),
      country: country.code,
      notes: luck.pick(notes)?.({ phone, email, card: cardNumber }) ?? null,
      created_at: new Date(
        Date.UTC(2023, 0, 1 + luck.below(900), luck.below(24), luck.below(60)),
      ).toISOString(),
    }
  })
}

export interface Contact {
  readonly phone: string
  readonly email: string
  readonly card: string
}

const mailDomains = ['example.com', 'example.org', 'example.net', 'mail.example']

const phones: Readonly<Record<string, (luck: Chance) => string>> = {
  US: (luck) => `+1 ${luck.pick(['212', '415', '503', '608'])} 555 01${luck.digits(2)}`,
  GB: (luck) => `+44 7700 900${luck.digits(3)}`, // Ofcom, numbers for drama use
  DE: (luck) => `+49 30 23125 ${luck.digits(3)}`, // Bundesnetzagentur, Verfügung 148/2021
  FR: (luck) => `+33 1 99 00 ${luck.digits(2)} ${luck.digits(2)}`, // Arcep, œuvres audiovisuelles
}

const ibans: Readonly<Record<string, (luck: Chance) => string>> = {
  GB: (luck) => ibanOf('GB', `TEST${luck.digits(14)}`),
  DE: (luck) => ibanOf('DE', `9999${luck.digits(14)}`),
  FR: (luck) => ibanOf('FR', `99999${luck.digits(18)}`),
}

const notes: readonly (((contact: Contact) => string) | undefined)[] = [
  undefined,
  undefined,
  undefined,
  () => 'Prefers delivery in the afternoon.',
  () => 'Gift wrapping on every order. Never put the invoice into the parcel.',
  () => 'Wholesale terms agreed until the end of the year.',
  ({ phone }) => `Call ${phone} before delivery, the bell is broken.`,
  ({ email }) => `Invoices go to accounts+${email}.`,
  ({ card }) => `Paid by telephone with card ${card}, please delete after the return is settled.`,
]

function card(luck: Chance): string {
  const digits = luck.pick([withLuhn, withLuhn, withLuhn, shortCard])(
    luck.pick(['424242', '400000', '555555']) + luck.digits(9),
  )
  return digits.length === 15
    ? `${digits.slice(0, 4)} ${digits.slice(4, 10)} ${digits.slice(10)}`
    : digits.replaceAll(/(\d{4})(?=\d)/g, '$1 ')
}

/** Fifteen digits, as one scheme has them. */
function shortCard(digits: string): string {
  return withLuhn(`378282${digits.slice(6, 14)}`)
}

/** Area 9xx is never issued; groups 10 to 49 keep it apart from taxpayer numbers too. */
function socialSecurityNumber(luck: Chance): string {
  return `9${luck.digits(2)}-${10 + luck.below(40)}-${luck.digits(4)}`
}

function plain(name: string): string {
  return name
    .replaceAll('ß', 'ss')
    .replaceAll('ı', 'i')
    .normalize('NFD')
    .replaceAll(/[^a-zA-Z]/g, '')
    .toLowerCase()
}

function freeAddress(local: string, domain: string, taken: Set<string>): string {
  for (let number = 1; ; number++) {
    const address = `${local}${number === 1 ? '' : number}@${domain}`
    if (taken.has(address)) continue
    taken.add(address)
    return address
  }
}
