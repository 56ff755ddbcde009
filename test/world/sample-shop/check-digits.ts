/** `digits` with the digit that makes a card number pass. @see ISO/IEC 7812-1, annex B (Luhn) */
export function withLuhn(digits: string): string {
  let sum = 0
  for (const [fromRight, digit] of digits.split('').toReversed().entries()) {
    const value = fromRight % 2 === 0 ? Number(digit) * 2 : Number(digit)
    sum += value > 9 ? value - 9 : value
  }
  return digits + String((10 - (sum % 10)) % 10)
}

/** An IBAN with its check digits, without spaces. @see ISO 13616-1 */
export function ibanOf(country: string, account: string): string {
  const number = `${account}${country}00`.replaceAll(/[A-Z]/g, (letter) =>
    String(Number.parseInt(letter, 36)),
  )
  return `${country}${String(98n - (BigInt(number) % 97n)).padStart(2, '0')}${account}`
}
