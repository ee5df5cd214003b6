import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { type PromiseName, promises, sizesIn } from './promises.ts'

interface ProofReport {
  readonly test: string
  readonly state: string
  readonly seconds: number
  readonly figures: readonly Record<string, unknown>[]
  readonly errors?: readonly string[]
}

/**
 * Writes what the proofs of promises did, after each file of tests, so that a run that is ended keeps what it has:
 * `{date, commit, size, machine, promises: {R1: {promise, sizes, state, seconds, proofs: [{test, state, seconds, figures}]}}}`.
 */
export class EvidenceReporter implements Reporter {
  readonly #names: readonly PromiseName[]
  readonly #path: string
  /** As they are when the run begins. */
  readonly #run = {
    date: new Date().toISOString(),
    commit: git('rev-parse', 'HEAD'),
    // Nobody can run again what was not committed.
    changed: git('status', '--porcelain', '--untracked-files=no') !== '',
  }
  readonly #proofs = new Map<string, ProofReport[]>()

  constructor(names: readonly PromiseName[], path: string) {
    this.#names = names
    this.#path = path
  }

  onTestModuleEnd(module: TestModule): void {
    const file = module.relativeModuleId.replace(/^test\//, '').replace(/\.test\.ts$/, '')
    this.#proofs.set(file, [...module.children.allTests()].map(proofOf))
    this.#write()
  }

  #write(): void {
    const report = {
      ...this.#run,
      size: process.env.TIDEMARK_SIZE ?? 'small',
      machine: {
        system: `${os.type()} ${os.release()} ${os.arch()}`,
        processors: `${os.availableParallelism()} × ${os.cpus()[0]?.model ?? 'unknown'}`,
        memoryGib: Math.round(os.totalmem() / 2 ** 30),
        node: process.version,
      },
      promises: Object.fromEntries(this.#names.map((name) => [name, this.#promise(name)])),
    }
    writeFileSync(this.#path, `${JSON.stringify(report, null, 2)}\n`)
  }

  #promise(name: PromiseName) {
    const { promise, tests } = promises[name]
    const ran = tests.map((file) => this.#proofs.get(file))
    const proofs = ran.flatMap((of) => of ?? [])
    return { promise, sizes: sizesIn(name), state: stateOf(ran, proofs), seconds: secondsOf(proofs), proofs }
  }
}

/** A file that did not run, or ran nothing, has proved nothing. */
function stateOf(ran: readonly (ProofReport[] | undefined)[], proofs: readonly ProofReport[]): string {
  if (proofs.some(({ state }) => state === 'failed')) return 'failed'
  if (ran.some((of) => of === undefined)) return 'not run'
  return ran.every((of) => of?.length !== 0) && proofs.every(({ state }) => state === 'passed')
    ? 'passed'
    : 'skipped'
}

function proofOf(test: TestCase): ProofReport {
  const { state, errors } = test.result()
  const said = errors?.map(({ message }) => message.slice(0, 1_000))
  return {
    test: test.fullName,
    state,
    seconds: tenths((test.diagnostic()?.duration ?? 0) / 1_000),
    figures: test.meta().figures ?? [],
    ...(said === undefined ? {} : { errors: said }),
  }
}

const secondsOf = (proofs: readonly ProofReport[]) =>
  tenths(proofs.reduce((sum, { seconds }) => sum + seconds, 0))
const tenths = (n: number) => Math.round(n * 10) / 10

function git(...args: readonly string[]): string {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}
