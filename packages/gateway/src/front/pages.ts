import { readFileSync } from 'node:fs'

export interface Page {
  readonly path: string
  readonly mediaType: string
  readonly text: string
}

const read = (file: string): string => readFileSync(new URL(`pages/${file}`, import.meta.url), 'utf8')

/** The few pages that stand without a console: what this is, and the one-time set-up. */
export const pages: readonly Page[] = [
  { path: '/', mediaType: 'text/html; charset=utf-8', text: read('landing.html') },
  { path: '/setup', mediaType: 'text/html; charset=utf-8', text: read('setup.html') },
  { path: '/setup.js', mediaType: 'text/javascript; charset=utf-8', text: read('setup.js') },
  { path: '/page.css', mediaType: 'text/css; charset=utf-8', text: read('page.css') },
  { path: '/icon.svg', mediaType: 'image/svg+xml', text: read('icon.svg') },
]
