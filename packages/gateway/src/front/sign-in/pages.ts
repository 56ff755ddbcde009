import { actorKey, type Refusal } from '@sallyport/core'
import type { AskingDevice, ProposedStepUp } from '@sallyport/identity'
import { html, page, type Markup } from '../html.ts'

/** Why the last try came to nothing. */
function trouble(refusal: Refusal | undefined): Markup {
  if (refusal === undefined) return html``
  const next = refusal.next === undefined ? '' : `. ${refusal.next}`
  return html`<p id="trouble" role="alert">${refusal.reason}${next}</p>`
}

/** A provider as the page offers it. */
interface Offered {
  readonly name: string
  /** Where the way there begins. */
  readonly start: string
}

export function signInPage(to: string, providers: readonly Offered[], refusal?: Refusal): string {
  const password = html`<form method="post" action="/sign-in">
    <input type="hidden" name="to" value="${to}" />
    <label>
      Name
      <input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required />
    </label>
    <label>
      Password
      <input name="password" type="password" autocomplete="current-password" required />
    </label>
    <button type="submit">Sign in</button>
  </form>`
  if (providers.length === 0) return page('Sign in', html`${trouble(refusal)}${password}`)
  return page(
    'Sign in',
    html`${trouble(refusal)}
      <p>You sign in where you do for everything else, and come back here.</p>
      ${providers
        .map(({ name, start }) => button(`${start}?to=${encodeURIComponent(to)}`, `Sign in with ${name}`))
        .reduce((all, one) => html`${all}${one}`)}
      <details>
        <summary class="quiet">With a password of this gateway</summary>
        ${password}
      </details>`,
  )
}

function button(href: string, words: string): Markup {
  return html`<p><a class="button" href="${href}">${words}</a></p>`
}

export function signedInPage(name: string): string {
  return page(
    'You are signed in',
    html`<p>As <strong>${name}</strong>, in this browser.</p>
      <form method="post" action="/sign-out"><button type="submit">Sign out</button></form>`,
  )
}

export function codePage(name: string, refusal?: Refusal): string {
  return page(
    'A program asks to be signed in',
    html`${trouble(refusal)}
      <p>Type the code that it shows. You are signed in as <strong>${name}</strong>.</p>
      <form method="post" action="/device">
        <label>
          Code
          <input
            name="code"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck="false"
            maxlength="20"
            required
          />
        </label>
        <button type="submit">Go on</button>
      </form>`,
  )
}

/** A code that came with a link proves nothing: the person compares it, and sees who asks. */
export function devicePage(
  name: string,
  code: string,
  { program, address }: AskingDevice,
  csrfAge: string,
): string {
  return page(
    'Let this program in?',
    html`<p class="code">${code}</p>
      <p>
        <strong>${program}</strong> at the address <strong>${address}</strong> asked ${csrfAge} to act as
        <strong>${name}</strong>, with all that you may do.
      </p>
      <p>
        Go on only if <em>you</em> have just begun this, and your program shows the same code. Somebody who
        sent you this link wants to come in with your name.
      </p>
      <form method="post" action="/device">
        <input type="hidden" name="code" value="${code}" />
        <button type="submit" name="answer" value="allow">Yes, it is mine</button>
        <button type="submit" name="answer" value="deny" class="second">No</button>
      </form>`,
  )
}

/** A link proves nothing: what stands by the person's sign-in may be in other hands. */
export function stepUpPage({ id, user, tokens }: ProposedStepUp): string {
  const programs = tokens.map(
    ({ label, actor, createdAt }) =>
      html`<li>
        <strong>${label}</strong>${actor === null ? '' : ` of ${actorKey(actor)}`}, let in at
        ${new Date(createdAt).toISOString().slice(11, 16)} UTC
      </li>`,
  )
  return page(
    'Go on with what you were doing?',
    html`<p>You have signed in anew as <strong>${user}</strong>. By that, these may do what asked for it:</p>
      <ul>
        ${programs.reduce((all, one) => html`${all}${one}`, html``)}
      </ul>
      <p>
        Go on only if <em>you</em> have just been asked to open this. Somebody who sent you this link may want
        to go further with your name.
      </p>
      <form method="post" action="/sign-in/step-up">
        <input type="hidden" name="of" value="${id}" />
        <button type="submit" name="answer" value="allow">Yes, it is mine</button>
      </form>`,
  )
}

export function programPage(name: string, fields: Readonly<Record<string, string>>): string {
  const hidden = Object.entries(fields).map(
    ([key, value]) => html`<input type="hidden" name="${key}" value="${value}" />`,
  )
  return page(
    'Sign in on this machine?',
    html`<p>
        A program on this computer, <strong>sallyport login</strong>, wants to act as
        <strong>${name}</strong>, with all that you may do.
      </p>
      <p>Go on only if <em>you</em> have just begun this.</p>
      <form method="post" action="/sign-in/program">
        ${hidden.reduce((all, one) => html`${all}${one}`, html``)}
        <button type="submit" name="answer" value="allow">Yes, sign me in</button>
      </form>`,
  )
}

export function donePage(title: string, words: string): string {
  return page(title, html`<p>${words}</p>`)
}
