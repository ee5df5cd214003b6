import { useEffect, useState } from 'preact/hooks'
import { ApiClient, ApiProblem } from '../api/api-client.ts'
import { Field } from '../components/field.tsx'
import { Brand } from '../components/icons.tsx'
import { pageAddress } from '../page-address.ts'

const unknown = 'The platform does not know this token.'

/** Asks for a token and tries it once. */
export function SignIn({
  onToken,
  refusal,
}: {
  onToken: (token: string) => void
  refusal: string | undefined
}) {
  const [token, setToken] = useState('')
  const [problem, setProblem] = useState(refusal)
  const [isTrying, setTrying] = useState(false)
  useEffect(() => {
    document.title = 'Sign in · Tidemark'
  }, [])
  const submit = async (event: Event) => {
    event.preventDefault()
    const given = token.trim()
    if (given === '') return setProblem('Enter a token.')
    // Other characters cannot be in a header: no token has them.
    if (!/^[\x21-\x7e]+$/.test(given)) return setProblem(unknown)
    setTrying(true)
    try {
      await new ApiClient(pageAddress(), given).get('tokens/self')
      onToken(given)
    } catch (error) {
      setTrying(false)
      const isRefused = error instanceof ApiProblem && error.status === 401
      setProblem(isRefused ? unknown : `${(error as Error).message}.`)
    }
  }
  return (
    <main class="sign-in" id="main">
      <form class="card" onSubmit={submit} noValidate>
        <h1>
          <Brand />
        </h1>
        <Field
          label="Access token"
          hint="The admin token is printed when the platform starts, and kept in admin-token in its data folder."
          error={problem}
        >
          {(attributes) => (
            <input
              {...attributes}
              type="password"
              name="token"
              autocomplete="off"
              spellcheck={false}
              value={token}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="primary" disabled={isTrying}>
          {isTrying ? 'Signing in…' : 'Sign in'}
        </button>
        <p class="hint">The token is kept for this tab only.</p>
      </form>
    </main>
  )
}
