import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes longer than half a minute on two cores, the longest first. */
const longest = [
  'chaos/soak',
  'chaos/kill',
  'integration/packs-live',
  'rules/reference/against-engine',
  'chaos/shutdown',
  'integration/recordings',
  'chaos/outage',
  'chaos/reconnect',
  'chaos/clocks',
  'chaos/webhook-outage',
  'chaos/rules-kill',
  'property/mutated-frames',
  'chaos/part-restarts',
  'chaos/full-disk',
  'protections/protections',
  'cli/main',
  'browser/dashboard',
  'browser/looks',
].map((name) => `/test/${name}.test.ts`)

/**
 * Vitest begins with the largest files where it remembers no times, as on a fresh clone: what takes long and is small would be left
 * for the end, with nothing beside it. The others follow in Vitest's order; those that share a process last, for it is kept only from
 * one of them to the next.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      const at = longest.findIndex((name) => moduleId.endsWith(name))
      if (at !== -1) return at
      return project.config.isolate ? longest.length : longest.length + 1
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

/**
 * Tests that change nothing in their process which another would find changed: a process of its own for each file would only load the same
 * sources again, which took as long as half of the tests.
 */
const shared = [
  'test/{analytics,backup,broker,cli,commands,dashboard,domain,events,http,ingest,integration,lib,log,registry,rules,security,simulators,storage,threads,upgrade}/**/*.test.ts',
]

export default defineConfig({
  test: {
    pool: 'forks',
    // One more than the cores that are reckoned with: many tests wait, for a process to start or a time to pass.
    maxWorkers: 3,
    // Several times what the slowest takes: a machine that others use must not fail a test.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: shared } },
      { extends: true, test: { name: 'shared', include: shared, isolate: false } },
    ],
  },
})
