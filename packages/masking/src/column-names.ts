/** What columns of such names hold, more often than not. */
const hints: readonly (readonly [RegExp, string])[] = [
  [/(^|_)e?_?mails?(_?addr(ess)?)?(_|$)/, 'pii.email'],
  [/(^|_)(phone|mobile|telephone|tel|fax|msisdn)(_?(number|no|nr))?(_|$)/, 'pii.phone'],
  [/(^|_)((credit_?)?card(_?(number|no|nr))?|pan|cc_?(number|num|no))(_|$)/, 'pii.card'],
  [/(^|_)(iban|bank_?account)(_|$)/, 'pii.iban'],
  [/(^|_)(ssn|social_security(_number)?)(_|$)/, 'pii.ssn'],
  [/(^|_)(password|passwd|pwd|secret|token|api_?key|private_?key)(_hash)?(_|$)/, 'secret.key'],
  [/(^|_)(birth_?(date|day)|date_of_birth|dob|born(_on)?)(_|$)/, 'pii.birthdate'],
  [/^((first|last|full|given|family|maiden|middle)_?name|surname)$/, 'pii.name'],
  [/(^|_)(street|postal_?code|post_?code|zip(_?code)?|home_?address)(_|$)/, 'pii.address'],
]

/** The tag that a column's name speaks for; undefined where it says nothing. In any spelling: `eMail`, `e_mail`, `E-MAIL`. */
export function tagByName(column: string): string | undefined {
  const words = column
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .toLowerCase()
  return hints.find(([pattern]) => pattern.test(words))?.[1]
}
