import type { Facts, Operation } from '@sallyport/core'
import { factsOfCommand } from '../facts/command.ts'
import { factsOfShell, factsOfSubsystem } from '../facts/requests.ts'
import { shownCommand } from '../facts/shown.ts'
import type { Variable } from './environment.ts'
import type { Program } from './program.ts'
import type { Terminal } from './terminal.ts'

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
    parameters: shownSetting(setting),
    binding: () => [...bytesOf(program), ...settingOf(setting)],
  }
  return { operation, facts: [factsOf(program, setting)] }
}

function factsOf(program: Program, { terminal, variables }: Setting): Facts {
  const about = {
    hasTerminal: terminal !== undefined,
    environment: variables.map(({ name }) => name),
  }
  switch (program.kind) {
    case 'shell':
      return factsOfShell(about)
    case 'exec':
      return factsOfCommand({ bytes: program.command, ...about })
    case 'subsystem':
      return factsOfSubsystem(program.name)
  }
}

function textOf(program: Program): string {
  switch (program.kind) {
    case 'shell':
      return 'shell'
    case 'exec':
      return shownCommand(program.command)
    case 'subsystem':
      return `subsystem ${shownCommand(program.name)}`
  }
}

function bytesOf(program: Program): readonly string[] {
  switch (program.kind) {
    case 'shell':
      return [program.kind]
    case 'exec':
      return [program.kind, program.command.toString('hex')]
    case 'subsystem':
      return [program.kind, program.name.toString('hex')]
  }
}

/** The same for people. A name has no space and no `=`, so nothing looks like something else. */
function shownSetting({ terminal, variables }: Setting): readonly string[] {
  const inWhat = terminal === undefined ? [] : [`terminal ${terminal.term}`]
  return [...inWhat, ...variables.map(({ name, value }) => `${name}=${shownCommand(value)}`)]
}

function settingOf({ terminal, variables }: Setting): readonly string[] {
  const inWhat = terminal === undefined ? 'no terminal' : `terminal ${terminal.term}`
  return [inWhat, ...variables.map(({ name, value }) => `${name}=${value.toString('hex')}`)]
}
