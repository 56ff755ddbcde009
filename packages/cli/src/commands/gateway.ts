import { command, type MakeCommand } from '../command.ts'

export const gateway: MakeCommand = (surroundings, done) =>
  command('gateway', 'run a gateway', [
    'sallyport gateway',
    'sallyport gateway --config /etc/sallyport/gateway.yaml',
    'sallyport gateway --processes 4',
    'sallyport gateway --print-config',
  ])
    .option('--config <file>', 'configuration in YAML; every key is also an environment variable SALLYPORT_…')
    .option('--processes <n>', 'how many processes carry the traffic: one for each core that it may use')
    .option('--print-config', 'print the effective configuration with its sources, and end')
    .action(async (options: { config?: string; processes?: string; printConfig?: boolean }) => {
      const { gatewayCommand } = await import('@sallyport/gateway')
      done(
        await gatewayCommand({
          ...surroundings,
          ...(options.config === undefined ? {} : { configFile: options.config }),
          ...(options.processes === undefined ? {} : { processes: options.processes }),
          printConfig: options.printConfig === true,
        }),
      )
    })
