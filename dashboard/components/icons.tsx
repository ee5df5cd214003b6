import type { Severity } from '../api/types.ts'
import type { PageName } from '../route.ts'

const pagePaths: Readonly<Record<PageName, string>> = {
  overview: 'M3 13h4l3-8 4 14 3-8h4',
  live: 'M4 4v16h16M8 15l3.5-5 3 3L20 6',
  devices: 'M4 6h16v9H4zM9 19h6M12 15v4',
  alarms: 'M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4',
  rejected: 'M4 5h16v14H4zM4 13h4l2 3h4l2-3h4',
  rules: 'M4 6h9M17 6h3M4 12h3M11 12h9M4 18h9M17 18h3M15 4v4M9 10v4M15 16v4',
  energy: 'M13 3 5 14h6l-1 7 8-11h-6z',
}

/** Beside a word that says the same: hidden from screen readers. */
export function PageIcon({ page }: { page: PageName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={pagePaths[page]} />
    </svg>
  )
}

/** A shape for each severity, so that colour is not all there is. */
const severityShapes: Readonly<Record<Severity, string>> = {
  critical: 'M6 .5 11.5 6 6 11.5.5 6z',
  major: 'M6 1l5.5 10H.5z',
  minor: 'M1.5 1.5h9v9h-9z',
  warning: 'M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1z',
  info: 'M5 1h2v10H5z',
}

export function SeverityBadge({ severity }: { severity: Severity }) {
  return (
    <span class={`severity severity-${severity}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d={severityShapes[severity]} />
      </svg>
      {severity}
    </span>
  )
}

export function Brand() {
  return (
    <span class="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" />
        <path d="M6 20c3.3 0 3.3-3 6.7-3s3.3 3 6.6 3 3.4-3 6.7-3" />
        <path d="M6 12h20" class="faint" />
      </svg>
      Tidemark
    </span>
  )
}

/** A state as a dot and a word. */
export function Status({ tone, children }: { tone: 'ok' | 'off' | 'warn' | 'bad'; children: string }) {
  return <span class={`status status-${tone}`}>{children}</span>
}
