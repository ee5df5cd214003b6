import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { adminToken } from './platform-process.ts'

/** Where Chromium is; undefined where there is none. Debian's own: nothing is downloaded. */
export const chromiumPath: string | undefined = ['chromium', 'chromium-browser', 'google-chrome'].flatMap(
  (name) => {
    try {
      return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
    } catch {
      return []
    }
  },
)[0]

/** A browser that talks to nobody but the platform. As root its own sandbox does not start. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-domain-reliability',
      '--disable-sync',
      '--no-first-run',
      '--no-pings',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  })
}

/** What a page does that it should not: told by the test at its end. */
export interface Watched {
  readonly page: Page
  /** Addresses that were asked for outside of the platform. */
  readonly foreign: string[]
  /** Errors of scripts and of the content security policy; not those of answers that the test provokes. */
  readonly errors: string[]
}

/** A new tab of a new visitor. */
export async function newVisitor(
  browser: Browser,
  httpUrl: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ reducedMotion: 'reduce', locale: 'en-GB', ...options })
  context.setDefaultTimeout(boundMs)
  const page = await context.newPage()
  const foreign: string[] = []
  const errors: string[] = []
  context.on('request', (request) => {
    if (!request.url().startsWith(`${httpUrl}/`) && !request.url().startsWith('data:'))
      foreign.push(request.url())
  })
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      errors.push(message.text())
  })
  return { page, foreign, errors }
}

/** Several times what anything takes: a machine that others use must not fail a test. */
export const boundMs = 30_000

/** Signs in as the administrator at `hash`. */
export async function signIn(page: Page, httpUrl: string, hash = ''): Promise<void> {
  await page.goto(`${httpUrl}/${hash}`)
  await page.getByLabel('Access token').fill(adminToken)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('navigation', { name: 'Pages', exact: true }).waitFor()
}

/** A folder for pictures of pages, kept for whoever wants to look. */
export function pictureFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tidemark-pictures-'))
}
