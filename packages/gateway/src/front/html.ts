/** Markup: what is put into it by {@link html} is escaped, unless it is markup itself. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | Markup | undefined)[]
): Markup {
  return new Markup(String.raw({ raw: parts }, ...values.map((value) => shown(value))))
}

/** A whole page in the look of all of them, without a script. */
export function page(title: string, body: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Sallyport</title>
        <link rel="stylesheet" href="/page.css" />
        <link rel="icon" type="image/svg+xml" href="/icon.svg" />
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html> `.text
}

function shown(value: string | Markup | undefined): string {
  if (value === undefined) return ''
  return value instanceof Markup ? value.text : value.replaceAll(/[&<>"']/g, (it) => `&#${it.charCodeAt(0)};`)
}
