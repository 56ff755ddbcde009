// Runs on the landing page, too, where it only fills in this gateway's address.
const find = (id) => document.getElementById(id)
find('here')?.replaceChildren(location.origin)
if (find('form')) void setUp()

async function setUp() {
  const code = location.hash.slice(1)
  if (!code) return lead('This page needs the one-time link that you were sent, the part after # included.')
  const link = await call('/setup/look', { code })
  if (link.problem) return lead(link.problem.detail)
  lead(
    link.user ? 'Choose your password.' : 'You are the first administrator. Choose your name and password.',
  )
  if (link.user) {
    find('name').value = link.user
    find('name').readOnly = true
  }
  const form = find('form')
  form.hidden = false
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit(form, code)
  })
}

async function submit(form, code) {
  const name = find('name').value.trim()
  const password = find('password').value
  if (!name) return trouble('Choose a name.')
  if (password.length < 12) return trouble('Use 12 characters or more.')
  if (password !== find('again').value) return trouble('The two passwords differ.')
  form.inert = true
  const made = await call('/setup', { code, name, password })
  form.inert = false
  if (made.problem) return trouble(made.problem.detail)
  // The command line signs in for itself: the token that came with this answer is not needed.
  await call('/logout', undefined, made.token)
  history.replaceState(null, '', '/setup')
  form.hidden = true
  lead('')
  find('who').textContent = made.user
  find('done').hidden = false
}

async function call(path, body, token) {
  try {
    const response = await fetch(`/api/v1${path}`, {
      method: 'POST',
      headers: {
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      body: body && JSON.stringify(body),
    })
    if (response.status === 204) return {}
    const answer = await response.json()
    return response.ok ? answer : { problem: answer }
  } catch {
    return { problem: { detail: 'The gateway cannot be reached. Try again.' } }
  }
}

function lead(text) {
  find('lead').textContent = text
}

function trouble(text) {
  find('trouble').textContent = text
  find('trouble').hidden = false
}
