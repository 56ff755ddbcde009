/** Built-in type OIDs that masking knows. @see PostgreSQL source, pg_type.dat */
export const type = {
  bool: 16,
  bytea: 17,
  char: 18,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  xml: 142,
  float4: 700,
  float8: 701,
  unknown: 705,
  bpchar: 1042,
  varchar: 1043,
  numeric: 1700,
  void: 2278,
  jsonb: 3802,
} as const

/** How a type's values are written. `other`: a masked one is NULL, which every type has. */
export type Family = 'string' | 'integer' | 'numeric' | 'json' | 'jsonb' | 'strings' | 'other'

const families: ReadonlyMap<number, Family> = new Map<number, Family>([
  [type.text, 'string'],
  [type.varchar, 'string'],
  [type.bpchar, 'string'],
  [type.name, 'string'],
  [type.xml, 'string'],
  [type.unknown, 'string'],
  [type.int2, 'integer'],
  [type.int4, 'integer'],
  [type.int8, 'integer'],
  [type.numeric, 'numeric'],
  [type.json, 'json'],
  [type.jsonb, 'jsonb'],
  [1009, 'strings'], // text[]
  [1015, 'strings'], // varchar[]
  [1014, 'strings'], // bpchar[]
  [1003, 'strings'], // name[]
])

/** First OID of objects that users make: enums, domains (shown as their base type), extension types such as citext. */
const firstUserOid = 16_384

export function familyOf(typeOid: number): Family {
  return families.get(typeOid) ?? 'other'
}

/** Whether free text may stand in it, for detectors. Types of users are looked at in their text form. */
export function mayHoldText(typeOid: number, format: number): boolean {
  const family = families.get(typeOid)
  if (family === 'string' || family === 'json' || family === 'jsonb' || family === 'strings') return true
  // Arrays of json have text forms too; so has every type that users made.
  return format === 0 && (typeOid >= firstUserOid || typeOid === 199 || typeOid === 3807 || typeOid === 2249)
}

/** Width of a binary integer. */
export function integerBytes(typeOid: number): 2 | 4 | 8 {
  return typeOid === type.int2 ? 2 : typeOid === type.int4 ? 4 : 8
}
