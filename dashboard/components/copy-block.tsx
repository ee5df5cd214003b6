import { useState } from 'preact/hooks'
import { useConsole } from '../state/console.ts'

/** Text to take along: a secret, a command. */
export function CopyBlock({ label, text }: { label: string; text: string }) {
  const { announce } = useConsole()
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopied(true)
      announce(`${label} copied`)
    } catch {
      // Without https the browser has no clipboard for pages: the text can be selected.
      announce('This browser does not let the page copy: select the text')
    }
  }
  return (
    <figure class="copy-block">
      <figcaption>{label}</figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long line scrolls, and by keyboard too */}
      <pre tabIndex={0}>{text}</pre>
      <button type="button" onClick={copy} aria-label={`Copy ${label}`}>
        {isCopied ? 'Copied' : 'Copy'}
      </button>
    </figure>
  )
}
