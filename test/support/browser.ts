import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { adminToken } from './platform-process.ts'

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

/** When (Unix ms) an element that `selector` finds first has a text like `pattern`, by the page's own observation. */
export function seenAt(page: Page, selector: string, pattern: RegExp): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) => {
    const look = () => {
      const all = [...document.querySelectorAll(${JSON.stringify(selector)})]
      if (!all.some((one) => ${pattern}.test(one.textContent))) return
      changes.disconnect()
      resolve(Date.now())
    }
    const changes = new MutationObserver(look)
    changes.observe(document.body, { subtree: true, childList: true, characterData: true })
    look()
  })`)
}

/** Tells a figure that a loaded machine may spoil, beside the bound that is wanted; what is asserted is that it comes at all. */
export function tell(what: string, ms: number, wantedMs: number): void {
  process.stderr.write(`${what}: ${Math.round(ms)} ms, wanted ${wantedMs} ms\n`)
}

/** Signs in at `hash`, as the administrator or with another token. */
export async function signIn(page: Page, httpUrl: string, hash = '', token = adminToken): Promise<void> {
  await page.goto(`${httpUrl}/${hash}`)
  await page.getByLabel('Access token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('navigation', { name: 'Pages', exact: true }).waitFor()
}

/** A folder for pictures of pages, kept for whoever wants to look. */
export function pictureFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tidemark-pictures-'))
}
