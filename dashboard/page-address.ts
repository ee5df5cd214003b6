/** The address of the page without its hash, up to the last slash: what the API stands beside. */
export function pageAddress(): string {
  return new URL('./', location.href).href
}
