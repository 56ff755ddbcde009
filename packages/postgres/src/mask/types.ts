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
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  void: 2278,
  record: 2249,
  uuid: 2950,
  jsonb: 3802,
} as const

/** How a type's values are written. `other`: a masked one is NULL, which every type has. */
export type Family =
  | 'string'
  | 'xml'
  | 'integer'
  | 'numeric'
  | 'float'
  | 'bool'
  | 'json'
  | 'jsonb'
  | 'uuid'
  | 'bytea'
  | 'date'
  | 'timestamp'
  | 'array'
  | 'other'

/** Arrays by their elements. */
const elements: ReadonlyMap<number, number> = new Map([
  [143, type.xml],
  [199, type.json],
  [1000, type.bool],
  [1001, type.bytea],
  [1003, type.name],
  [1005, type.int2],
  [1007, type.int4],
  [1009, type.text],
  [1014, type.bpchar],
  [1015, type.varchar],
  [1016, type.int8],
  [1021, type.float4],
  [1022, type.float8],
  [1115, type.timestamp],
  [1182, type.date],
  [1185, type.timestamptz],
  [1231, type.numeric],
  [2951, type.uuid],
  [3807, type.jsonb],
])

const families: ReadonlyMap<number, Family> = new Map<number, Family>([
  [type.text, 'string'],
  [type.varchar, 'string'],
  [type.bpchar, 'string'],
  [type.name, 'string'],
  [type.unknown, 'string'],
  [type.xml, 'xml'],
  [type.int2, 'integer'],
  [type.int4, 'integer'],
  [type.int8, 'integer'],
  [type.numeric, 'numeric'],
  [type.float4, 'float'],
  [type.float8, 'float'],
  [type.bool, 'bool'],
  [type.json, 'json'],
  [type.jsonb, 'jsonb'],
  [type.uuid, 'uuid'],
  [type.bytea, 'bytea'],
  [type.date, 'date'],
  [type.timestamp, 'timestamp'],
  [type.timestamptz, 'timestamp'],
])

/** First OID of objects that users make: enums, composites, types of extensions. */
const firstUserOid = 16_384

export function familyOf(typeOid: number): Family {
  return families.get(typeOid) ?? (elements.has(typeOid) ? 'array' : 'other')
}

/** The type of an array's elements; undefined for what is none that masking knows. */
export function elementOf(typeOid: number): number | undefined {
  return elements.get(typeOid)
}

export function isStringArray(typeOid: number): boolean {
  const element = elements.get(typeOid)
  return element !== undefined && families.get(element) === 'string'
}

/** Whether free text may stand in it, for detectors. Types of users are looked at in their text form. */
export function mayHoldText(typeOid: number, format: number): boolean {
  const family = familyOf(typeOid)
  if (family === 'string' || family === 'xml' || family === 'json' || family === 'jsonb') return true
  if (isStringArray(typeOid)) return true
  // Arrays of json and xml have text forms too; so has every type that users made.
  const isShown = typeOid >= firstUserOid || typeOid === type.record || isTextArray(typeOid)
  return format === 0 && isShown
}

function isTextArray(typeOid: number): boolean {
  const element = elements.get(typeOid)
  return element === type.json || element === type.jsonb || element === type.xml
}

/** Width of a binary integer. */
export function integerBytes(typeOid: number): 2 | 4 | 8 {
  return typeOid === type.int2 ? 2 : typeOid === type.int4 ? 4 : 8
}
