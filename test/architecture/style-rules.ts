/** Lines of a source file: past this it is two things. */
const linesMax = 400

const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/
/** Files named by the tool that looks for them. */
const named: ReadonlySet<string> = new Set(['vitest.config.ts', 'vite.config.ts'])

/** What the text of one TypeScript file and its path say against design and habit; a sentence each. */
export function styleProblems(path: string, source: string): string[] {
  const problems: string[] = []
  const lines = source.split('\n').length - (source.endsWith('\n') ? 1 : 0)
  if (lines > linesMax) problems.push(`${path} has ${lines} lines, more than ${linesMax}`)
  const parts = path.replace(/(\.test)?\.tsx?$/, '').split('/')
  if (!named.has(path) && !parts.every((part) => kebab.test(part))) problems.push(`${path} is not kebab-case`)
  if (parts.some((part) => vague.has(part))) problems.push(`${path} has a name that says nothing`)
  return problems
}

/** Names for what has no name yet: the thing in the file has a better one. */
const vague: ReadonlySet<string> = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'manager',
  'common',
  'misc',
])
