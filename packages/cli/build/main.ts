/** `npm run build`: writes what is installed into `dist/`. */
import { fileURLToPath } from 'node:url'
import { build } from './build.ts'

await build(fileURLToPath(new URL('../../../dist', import.meta.url)))
