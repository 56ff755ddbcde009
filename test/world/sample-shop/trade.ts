import { chance, type Chance } from './chance.ts'
import type { Customer } from './customers.ts'

/** Rows of the tables, by their columns' names. */
export interface Trade {
  readonly products: readonly Product[]
  readonly orders: readonly Order[]
  readonly order_items: readonly object[]
  readonly support_tickets: readonly object[]
}

interface Order {
  readonly id: number
  readonly customer_id: number
  readonly status: string
  readonly ordered_at: string
  readonly shipping_note: string | null
}

interface Product {
  readonly id: number
  readonly sku: string
  readonly name: string
  readonly category: string
  readonly price: number
  readonly in_stock: number
}

/** What the shop sells, sold, and heard back about it; the same each time. */
export function trade(customers: readonly Customer[], count: { orders: number; tickets: number }): Trade {
  const luck = chance(7_041_776)
  const products = catalogue(luck)
  const orders = Array.from({ length: count.orders }, (_, at) => order(at + 1, luck.pick(customers), luck))
  return {
    products,
    orders,
    order_items: orders.flatMap(({ id }) => items(id, products, luck)),
    support_tickets: Array.from({ length: count.tickets }, (_, at) =>
      ticket(at + 1, luck.pick(customers), luck),
    ),
  }
}

const kinds: Readonly<Record<string, readonly string[]>> = {
  kitchen: ['Kettle', 'Bread Knife', 'Cast Iron Pan', 'Mixing Bowl', 'Pepper Mill', 'Teapot'],
  garden: ['Watering Can', 'Pruning Shears', 'Seed Tray', 'Hand Trowel', 'Plant Pot', 'Bird Feeder'],
  office: ['Desk Lamp', 'Notebook', 'Fountain Pen', 'Paper Tray', 'Wall Calendar', 'Letter Opener'],
  travel: ['Rucksack', 'Packing Cube', 'Water Bottle', 'Rain Cover', 'Travel Towel', 'Head Torch'],
}
const finishes = ['', ', small', ', large', ', blue', ', oak']

function catalogue(luck: Chance): readonly Product[] {
  const names = Object.entries(kinds).flatMap(([category, things]) =>
    things.flatMap((thing) =>
      finishes.slice(0, 1 + luck.below(4)).map((finish) => ({ category, name: thing + finish })),
    ),
  )
  return names.map(({ category, name }, at) => ({
    id: at + 1,
    sku: `${category.slice(0, 2).toUpperCase()}-${1000 + at}`,
    name,
    category,
    price: (200 + luck.below(12_000)) / 100,
    in_stock: luck.below(250),
  }))
}

const statuses = [
  'delivered',
  'delivered',
  'delivered',
  'delivered',
  'shipped',
  'paid',
  'placed',
  'returned',
  'cancelled',
]
const shippingNotes = [
  null,
  null,
  null,
  null,
  'Leave with the neighbour',
  'Ring twice',
  'Parcel locker 14',
  'Fragile',
]

function order(id: number, customer: Customer, luck: Chance): Order {
  return {
    id,
    customer_id: customer.id,
    status: luck.pick(statuses),
    ordered_at: later(customer.created_at, luck),
    shipping_note: luck.pick(shippingNotes),
  }
}

function items(orderId: number, products: readonly Product[], luck: Chance): readonly object[] {
  return Array.from({ length: 1 + luck.below(4) }, (_, at) => {
    const product = luck.pick(products)
    return {
      order_id: orderId,
      line: at + 1,
      product_id: product.id,
      quantity: 1 + luck.below(3),
      unit_price: product.price,
    }
  })
}

const troubles: readonly ((customer: Customer) => readonly [subject: string, body: string])[] = [
  ({ name }) => [
    'Parcel is late',
    `Hello, my parcel was due last Tuesday. Can you find it?\n\nKind regards\n${name}`,
  ],
  ({ phone }) => ['Wrong colour', `I ordered the blue one. Please call me back under ${phone}.`],
  ({ email }) => [
    'Cannot log in',
    `The reset link never arrives at ${email}. I looked into the spam folder too.`,
  ],
  ({ card_number: card }) => ['Charged twice', `My card ${card} was charged twice for the same order.`],
  ({ iban }) => [
    'Where is my refund?',
    `The refund should go to ${iban ?? 'my account'}, nothing has come yet.`,
  ],
  () => ['Return without box', 'I threw the box away. May I still send it back?'],
]

function ticket(id: number, customer: Customer, luck: Chance): object {
  const [subject, body] = luck.pick(troubles)(customer)
  const opened = later(customer.created_at, luck)
  return {
    id,
    customer_id: customer.id,
    opened_at: opened,
    closed_at: luck.below(4) === 0 ? null : later(opened, luck, 12),
    subject,
    body,
  }
}

function later(than: string, luck: Chance, mostDays = 180): string {
  const minutes = luck.below(mostDays * 24 * 60)
  return new Date(Date.parse(than) + minutes * 60_000).toISOString()
}
