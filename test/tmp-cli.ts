import { gatewayCommand } from '@sallyport/gateway'
import { agentCommand } from '@sallyport/agent'
const [, , what, ...args] = process.argv
const flag = (n: string) => {
  const i = args.indexOf(n)
  return i < 0 ? undefined : args[i + 1]
}
const all = (n: string) => args.flatMap((a, i) => (a === n ? [args[i + 1]!] : []))
const io = { environment: process.env, output: process.stdout, errors: process.stderr, signals: process }
process.exitCode =
  what === 'gateway'
    ? await gatewayCommand({ ...io, configFile: flag('--config')! })
    : await agentCommand({
        ...io,
        flags: {
          gateways: [flag('--gateway')!],
          token: flag('--token')!,
          stateDirectory: flag('--state-directory')!,
          allow: all('--allow'),
        } as never,
      })
