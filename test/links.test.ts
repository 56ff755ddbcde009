import { existsSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url).pathname

test('every link of a page leads to a file, and to a heading of it where it names one', async () => {
  const broken: string[] = []
  let count = 0
  for await (const page of glob(['*.md', 'docs/**/*.md'], { cwd: root })) {
    for (const link of linksIn(await readFile(join(root, page), 'utf8'))) {
      count++
      const [path = '', heading] = link.split('#', 2)
      const target = path === '' ? join(root, page) : join(root, dirname(page), path)
      const isThere =
        existsSync(target) &&
        (heading === undefined || headingsIn(await readFile(target, 'utf8')).includes(heading))
      if (!isThere) broken.push(`${page}: ${link} (${relative(root, target)})`)
    }
  }
  expect(count).toBeGreaterThan(100)
  expect(broken).toEqual([])
})

function linksIn(page: string): string[] {
  const text = page.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`]*`/g, '')
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link).filter(
    (link) => !/^[a-z]+:/.test(link),
  )
}

/** As GitHub names them. */
function headingsIn(page: string): string[] {
  return Array.from(page.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}
