import { execFileSync } from 'node:child_process'
import { type Browser, chromium } from 'playwright-core'

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
