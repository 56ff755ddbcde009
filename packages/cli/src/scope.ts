import type { Restriction } from '@sallyport/core'

/** What a token is narrowed to, in one line; what several restrictions say holds all together. */
export function scopeInWords(scope: readonly Told[]): string {
  return scope.map(restrictionInWords).join('; and ')
}

function restrictionInWords({ resources, accounts, actions, asksNobody }: Told): string {
  return [
    ...(resources === undefined ? [] : [resources.join(', ')]),
    ...(accounts === undefined ? [] : [`as ${accounts.join(' or ')}`]),
    ...(actions === undefined ? [] : [`to ${actions.join(', ')}`]),
    ...(asksNobody === undefined ? [] : ['without asking anybody']),
  ].join(' ')
}

type Told = { readonly [Key in keyof Restriction]: Restriction[Key] | undefined }
