/** An attribute as RFC 7643 section 7 describes one. What is left out is the default: a text, one, writable, in any case. */
export interface Attribute {
  readonly name: string
  readonly type?: 'string' | 'boolean' | 'complex' | 'reference' | 'dateTime' | 'binary'
  /** A list of values. */
  readonly isMany?: true
  readonly subs?: readonly Attribute[]
  readonly isCaseExact?: true
  readonly isRequired?: true
  readonly isUnique?: true
  /** `secret`: taken from nobody and given to nobody. */
  readonly may?: 'readOnly' | 'secret'
}

export interface Schema {
  readonly id: string
  readonly name: string
  readonly attributes: readonly Attribute[]
}

/** A kind of thing that there is, with what may be said of it. */
export interface ResourceType {
  readonly name: 'User' | 'Group'
  readonly endpoint: '/Users' | '/Groups'
  readonly schema: Schema
  readonly extensions: readonly Schema[]
}

const texts = (...names: readonly string[]): readonly Attribute[] => names.map((name) => ({ name }))

/** A list of values of several kinds, one of which may be the main one. RFC 7643 section 2.4 */
const many = (name: string, subs: readonly Attribute[] = texts('value', 'display', 'type')): Attribute => ({
  name,
  type: 'complex',
  isMany: true,
  subs: [...subs, { name: 'primary', type: 'boolean' }],
})

/** Of every resource. RFC 7643 section 3.1 */
const common: readonly Attribute[] = [
  { name: 'id', isCaseExact: true, may: 'readOnly' },
  { name: 'externalId', isCaseExact: true },
  {
    name: 'meta',
    type: 'complex',
    may: 'readOnly',
    subs: [
      { name: 'resourceType' },
      { name: 'created', type: 'dateTime' },
      { name: 'lastModified', type: 'dateTime' },
      { name: 'location', type: 'reference' },
    ],
  },
]

const user: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  attributes: [
    { name: 'userName', isRequired: true, isUnique: true },
    {
      name: 'name',
      type: 'complex',
      subs: texts('formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix', 'honorificSuffix'),
    },
    ...texts(
      'displayName',
      'nickName',
      'profileUrl',
      'title',
      'userType',
      'preferredLanguage',
      'locale',
      'timezone',
    ),
    { name: 'active', type: 'boolean' },
    { name: 'password', may: 'secret' },
    many('emails'),
    many('phoneNumbers'),
    many('ims'),
    many('photos'),
    many(
      'addresses',
      texts('formatted', 'streetAddress', 'locality', 'region', 'postalCode', 'country', 'type', 'display'),
    ),
    {
      name: 'groups',
      type: 'complex',
      isMany: true,
      may: 'readOnly',
      subs: [{ name: 'value', isCaseExact: true }, ...texts('$ref', 'display', 'type')],
    },
    many('entitlements'),
    many('roles'),
    many('x509Certificates'),
  ],
}

const enterpriseUser: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  attributes: [
    ...texts('employeeNumber', 'costCenter', 'organization', 'division', 'department'),
    { name: 'manager', type: 'complex', subs: texts('value', '$ref', 'displayName') },
  ],
}

const group: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  attributes: [
    { name: 'displayName', isRequired: true, isUnique: true },
    {
      name: 'members',
      type: 'complex',
      isMany: true,
      subs: [{ name: 'value', isCaseExact: true }, ...texts('$ref', 'display', 'type')],
    },
  ],
}

export const userType: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  schema: user,
  extensions: [enterpriseUser],
}

export const groupType: ResourceType = { name: 'Group', endpoint: '/Groups', schema: group, extensions: [] }

/** An attribute, and whose: the resource's own, or an extension's, under whose URN it then stands. */
export interface FoundAttribute {
  readonly attribute: Attribute
  readonly extension: string | undefined
}

/** Names are the same in any case. RFC 7643 section 2.1 */
export function findAttribute(
  { schema, extensions }: ResourceType,
  { schema: urn, name }: { readonly schema?: string; readonly name: string },
): FoundAttribute | undefined {
  const isOwn = urn === undefined || isSame(urn, schema.id)
  const own = isOwn ? named([...schema.attributes, ...common], name) : undefined
  if (own !== undefined) return { attribute: own, extension: undefined }
  const extension = extensions.find(({ id }) => urn !== undefined && isSame(urn, id))
  const attribute = extension && named(extension.attributes, name)
  return attribute && { attribute, extension: extension.id }
}

export function findSub({ subs = [] }: Attribute, name: string): Attribute | undefined {
  return named(subs, name)
}

/** The URN of the resource's own schema or of an extension, where a text is one. */
export function schemaNamed({ schema, extensions }: ResourceType, text: string): Schema | undefined {
  return [schema, ...extensions].find(({ id }) => isSame(id, text))
}

function named(attributes: readonly Attribute[], name: string): Attribute | undefined {
  return attributes.find((it) => isSame(it.name, name))
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
