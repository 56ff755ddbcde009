import { chmod, copyFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rolldown, type OutputChunk } from 'rolldown'
import workspace from '../../../package.json' with { type: 'json' }
import description from '../package.json' with { type: 'json' }
import { filesBeside } from './files-beside.ts'

/** Everything that runs in a process or thread of its own, by the name of its file in `lib/`. */
const programs = {
  sallyport: source('packages/cli/src/main.ts'),
  'data-process': source('packages/gateway/src/processes/main.ts'),
  'simulation-worker': source('packages/gateway/src/policy/simulation-worker.ts'),
  'parse-worker': source('packages/postgres/src/facts/parse-worker.ts'),
}

export interface Built {
  /** The `sallyport` command. */
  readonly command: URL
  readonly chunks: readonly Pick<OutputChunk, 'fileName' | 'imports' | 'moduleIds'>[]
}

/**
 * Writes Sallyport as it is installed: a package without dependencies, which needs Node.js alone. What only some commands need lies in
 * chunks of its own, so that no command loads another's.
 * @throws Error where anything cannot be brought along
 */
export async function build(directory: string): Promise<Built> {
  await rm(directory, { recursive: true, force: true })
  await using bundle = await rolldown({
    input: programs,
    platform: 'node',
    // Asked for where gRPC is told to show its channels, which it never is here, and where `pg` and `ssh2` find a part in C.
    external: ['@grpc/proto-loader', 'pg-native', 'cpu-features', /sshcrypto\.node$/],
    plugins: [filesBeside(programs)],
    // Our modules do nothing by being loaded: those that a program does not use are left out of it.
    treeshake: { moduleSideEffects: [{ test: /\/packages\/[^/]+\/src\//, sideEffects: false }] },
    transform: { define: { __dirname: 'import.meta.dirname' } },
    onLog: (level, { message }) => {
      if (level === 'warn') throw new Error(message)
    },
  })
  const { output } = await bundle.write({
    dir: join(directory, 'lib'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    sourcemap: true,
    // Names stay: logs and stack traces say them.
    minify: { compress: { keepNames: { function: true, class: true } }, mangle: false },
  })
  const { version, description: about, license, type } = description
  const engines = { node: workspace.engines.node }
  const bin = { sallyport: 'lib/sallyport.js' }
  const installed = { name: 'sallyport', version, description: about, license, type, engines, bin }
  await writeFile(join(directory, 'package.json'), `${JSON.stringify(installed, undefined, 2)}\n`)
  await copyFile(source('LICENSE'), join(directory, 'LICENSE'))
  const command = join(directory, 'lib/sallyport.js')
  await chmod(command, 0o755)
  const chunks = output.filter((one) => one.type === 'chunk')
  return { command: pathToFileURL(command), chunks }
}

function source(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url))
}
