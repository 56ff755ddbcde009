import type { Json } from './evaluate.ts'
import { groupType, userType, type Attribute, type ResourceType, type Schema } from './schema.ts'

/** What clients ask about the endpoint itself. RFC 7643 sections 5 to 7 */

export function serviceProviderConfig(baseUrl: string): Json {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: maxCount },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: false },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A SCIM token, made by: sallyport scim token create',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
  }
}

export function resourceTypes(baseUrl: string): readonly Json[] {
  return [userType, groupType].map(({ name, endpoint, schema, extensions }: ResourceType) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    endpoint,
    schema: schema.id,
    schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${name}` },
  }))
}

export function schemas(baseUrl: string): readonly Json[] {
  const all: readonly Schema[] = [userType, groupType].flatMap(({ schema, extensions }) => [
    schema,
    ...extensions,
  ])
  return all.map(({ id, name, attributes }) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id,
    name,
    description: name,
    attributes: attributes.map(described),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${id}` },
  }))
}

function described({
  name,
  type = 'string',
  isMany,
  subs,
  isCaseExact,
  isRequired,
  isUnique,
  may,
}: Attribute): Json {
  return {
    name,
    type,
    multiValued: isMany === true,
    description: name,
    required: isRequired === true,
    caseExact: isCaseExact === true,
    mutability: may === 'secret' ? 'writeOnly' : (may ?? 'readWrite'),
    returned: may === 'secret' ? 'never' : 'default',
    uniqueness: isUnique === true ? 'server' : 'none',
    ...(subs !== undefined && { subAttributes: subs.map(described) }),
  }
}

/** So many resources at a time. */
export const maxCount = 200
