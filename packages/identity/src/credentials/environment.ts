import { Secret } from '@sallyport/core'

/** @throws Error where the variable is unset, empty or withheld */
export function fromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  withheld: readonly string[],
  variable: string,
): Secret {
  if (withheld.includes(variable)) throw new Error(`the environment variable ${variable} is no credential`)
  const value = Object.hasOwn(environment, variable) ? environment[variable] : undefined
  if (value === undefined || value === '') throw new Error(`the environment variable ${variable} is not set`)
  return new Secret(value)
}
