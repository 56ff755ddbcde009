import { stringify } from 'yaml'
import type { LoadedConfig } from './load.ts'
import type { ListenAddress } from './schema.ts'

/** The effective configuration as YAML, each value with where it comes from. Secrets are references, so nothing is hidden. */
export function printConfig({ config, sources }: LoadedConfig): string {
  const lines: string[] = []
  const walk = (value: object, path: readonly string[]): void => {
    for (const [key, inner] of Object.entries(value)) {
      if (inner === undefined) continue
      const here = [...path, key]
      const indent = '  '.repeat(path.length)
      if (isSection(inner)) {
        lines.push(`${indent}${key}:`)
        walk(inner, here)
        continue
      }
      const shown = stringify(isAddress(inner) ? written(inner) : inner, { collectionStyle: 'flow' }).trim()
      lines.push(`${indent}${key}: ${shown} # ${sources.get(here.join('.')) ?? 'default'}`)
    }
  }
  walk(config, [])
  return `${lines.join('\n')}\n`
}

const isSection = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !isAddress(value) &&
  Object.keys(value).length > 0

function isAddress(value: unknown): value is ListenAddress {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value
}

const written = ({ host, port }: ListenAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
