import { build, type Built } from '../../packages/cli/build/build.ts'
import { temporaryDirectory } from './temporary.ts'

/** Sallyport as it is installed, outside of the sources, so that nothing of them is found by chance. */
export async function buildSallyport(): Promise<Built & AsyncDisposable> {
  await using life = new AsyncDisposableStack()
  const built = await build(life.use(await temporaryDirectory()).path)
  const kept = life.move()
  return { ...built, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}
