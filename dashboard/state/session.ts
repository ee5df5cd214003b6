/** The token is kept for this tab only: another tab, or this one closed and opened, asks for it again. */
const storageKey = 'tidemark.token'

export function keptToken(): string | undefined {
  return sessionStorage.getItem(storageKey) ?? undefined
}

export function keepToken(token: string): void {
  sessionStorage.setItem(storageKey, token)
}

export function forgetToken(): void {
  sessionStorage.removeItem(storageKey)
}
