import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'

const pollMs = 50
const readyMsMax = 30_000
const stopMsMax = 15_000
const stderrLengthMax = 2_000

/**
 * A platform of the simulator's own, as a process that may be killed: on loopback, on ports that were free at its first start, in a
 * temporary folder. Nothing of the environment's TIDEMARK_ settings reaches it.
 */
export class OwnPlatform {
  readonly #main: string
  readonly #dir = mkdtempSync(join(tmpdir(), 'tidemark-own-'))
  readonly #onExit = () => void this.#child?.kill('SIGKILL')
  #child: ChildProcess | undefined
  #mqttUrl = 'mqtt://127.0.0.1:0'
  #httpUrl = 'http://127.0.0.1:0'

  /** `main` is the command's file, which is run with `start`. */
  constructor(main: string) {
    this.#main = main
    // Whoever ends this process must not leave the other behind.
    process.on('exit', this.#onExit)
  }

  get dataDir(): string {
    return join(this.#dir, 'data')
  }

  get mqttUrl(): string {
    return this.#mqttUrl
  }

  get httpUrl(): string {
    return this.#httpUrl
  }

  /** Of the API: the platform makes it at its first start. */
  get adminToken(): string {
    return readFileSync(join(this.dataDir, 'admin-token'), 'utf8').trim()
  }

  /**
   * Starts it, again on the same ports and data after a kill; resolves when it is ready. Rejects with TIDEMARK_RUN_PLATFORM when it
   * ends or is not ready in time.
   */
  async start(): Promise<void> {
    const flags = ['--no-demo', '--host', '127.0.0.1', '--data-dir', this.dataDir]
    const ports = ['--mqtt-port', new URL(this.#mqttUrl).port, '--http-port', new URL(this.#httpUrl).port]
    const child = spawn(process.execPath, [this.#main, 'start', ...flags, ...ports, '--log-level', 'error'], {
      cwd: this.#dir,
      env: Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('TIDEMARK_'))),
      stdio: ['ignore', 'pipe', 'pipe'],
      // An interrupt of the terminal is for the run, which then stops its platform.
      detached: true,
    })
    this.#child = child
    let banner = ''
    let stderr = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      banner += chunk.toString()
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-stderrLengthMax)
    })
    const until = performance.now() + readyMsMax
    while (!(await this.#isReady(banner))) {
      if (child.exitCode !== null || child.signalCode !== null || performance.now() > until)
        throw new TidemarkError('TIDEMARK_RUN_PLATFORM', `the platform of this run does not start: ${stderr}`)
      await delay(pollMs)
    }
  }

  /** Ends it as a loss of power would: SIGKILL. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Lets it finish what it has in hand, and removes its folder. */
  async stop(): Promise<void> {
    await Promise.race([this.#end('SIGTERM'), delay(stopMsMax).then(() => this.kill())])
    process.off('exit', this.#onExit)
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #isReady(banner: string): Promise<boolean> {
    const [, httpUrl] = /Dashboard +(http:\S+?)\/?\s/.exec(banner) ?? []
    const [, mqttUrl] = /MQTT +(mqtt:\S+)/.exec(banner) ?? []
    if (httpUrl === undefined || mqttUrl === undefined) return false
    this.#httpUrl = httpUrl
    this.#mqttUrl = mqttUrl
    return fetch(`${httpUrl}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    await ended
  }
}
