import { factsOf, type Facts, type Operation } from '@sallyport/core'
import type { Variable } from './environment.ts'
import type { Terminal } from './terminal.ts'

/** What a client asks a session channel to run. Names and commands are bytes, and these very bytes are what runs. */
export type Program =
  | { readonly kind: 'shell' }
  | { readonly kind: 'exec'; readonly command: Buffer }
  | { readonly kind: 'subsystem'; readonly name: Buffer }

/** What else decides what a program does. */
export interface Setting {
  readonly terminal: Terminal | undefined
  readonly variables: readonly Variable[]
}

/** Something to ask about, and what it does. */
export interface Asked {
  readonly operation: Operation
  readonly facts: readonly Facts[]
}

export function askedOf(program: Program, setting: Setting): Asked {
  const operation: Operation = {
    text: textOf(program),
    parameters: [],
    binding: () => [...bytesOf(program), ...settingOf(setting)],
  }
  return { operation, facts: [factsOf({ actions: [program.kind], objects: [], exposes: [], context: {} })] }
}

/** As a person reads it. What is not UTF-8 shows as such, and {@link Operation.binding} has the bytes. */
function textOf(program: Program): string {
  switch (program.kind) {
    case 'shell':
      return 'shell'
    case 'exec':
      return program.command.toString()
    case 'subsystem':
      return `subsystem ${program.name.toString()}`
  }
}

function bytesOf(program: Program): readonly string[] {
  const bytes =
    program.kind === 'exec' ? program.command : program.kind === 'subsystem' ? program.name : undefined
  return [program.kind, ...(bytes === undefined ? [] : [bytes.toString('hex')])]
}

function settingOf({ terminal, variables }: Setting): readonly string[] {
  const inWhat = terminal === undefined ? 'no terminal' : `terminal ${terminal.term}`
  return [inWhat, ...variables.map(({ name, value }) => `${name}=${value.toString('hex')}`)]
}
