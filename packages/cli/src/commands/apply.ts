import { command, signed, type MakeCommand } from '../command.ts'
import { readDocuments } from '../documents.ts'
import { carryOut, type PlanOptions } from '../plan.ts'

type Options = PlanOptions & {
  readonly file: readonly string[]
  readonly prune?: boolean
}

export const apply: MakeCommand = (surroundings) =>
  command(
    'apply',
    'declare resources with their masks, policies, credentials and users; shows the plan first',
    [
      'sallyport apply -f resources.yaml -f policies/',
      'sallyport apply -f . --dry-run',
      'sallyport apply -f . --prune --yes   # in a pipeline',
    ],
  )
    .requiredOption('-f, --file <path...>', 'YAML documents, Cedar policies, or folders of them')
    .option('--dry-run', 'show the plan, and change nothing')
    .option('--prune', 'also delete what is not declared, of the kinds that are; never users')
    .option('--note <text>', 'why, for the history of the policies')
    .option('-y, --yes', 'do not ask')
    .action(async (options: Options) => {
      const { client, printer } = await signed(surroundings, options)
      const { documents, places } = await readDocuments(options.file, surroundings.environment)
      const note = options.note === undefined ? {} : { note: options.note }
      const request = { documents: [...documents], prune: options.prune === true, ...note }
      await carryOut(surroundings, printer, options, 'Apply?', (how) =>
        client.apply.documents({ ...request, ...how }),
      ).catch((thrown: unknown) => {
        throw places.told(thrown)
      })
    })
