/** A package of package-lock.json. */
export interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
}

interface Licensed {
  readonly name: string
  readonly versions: readonly string[]
  readonly licence: string
}

/** The packages that production needs, the binaries for every system included, and `others` by name; in the order of their names. */
export function packagesOf(
  packages: Readonly<Record<string, LockedPackage>>,
  others: readonly string[],
): Licensed[] {
  const found = new Map<string, { name: string; versions: Set<string>; licence: string }>()
  for (const [path, { version, license = 'none is named', dev, devOptional }] of Object.entries(packages)) {
    if (path === '') continue
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    if ((dev === true || devOptional === true) && !others.includes(name)) continue
    const known = found.get(`${name} ${license}`) ?? { name, versions: new Set(), licence: license }
    found.set(`${name} ${license}`, known)
    known.versions.add(version ?? '')
  }
  return [...found.values()]
    .map(({ versions, ...rest }) => ({ ...rest, versions: [...versions].sort() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

export function licencesPage(packages: readonly Licensed[]): string {
  const rows = packages.map(({ name, versions, licence }) => [name, versions.join(', '), licence])
  const heads = ['package', 'version', 'licence']
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  return `# Licences

Tidemark is handed out under the MIT licence ([LICENSE](../LICENSE)). With it go the packages below: what it needs in production, the
binaries for every system that it can be installed on, and what is built into the dashboard. The build writes the notices of what is
in it and in the program to \`dist/dashboard/licences.md\` and \`dist/bin/licences.md\`. \`npm run docs\` makes this page from package-lock.json. Inside lmdb is LMDB,
under the OpenLDAP Public License 2.8, which asks to be named too; inside the packages of DuckDB is DuckDB, MIT.

${[line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')}
`
}
