import { join } from 'node:path'

/** Beside the folders of compiled modules and of the bundle; the one of that name among the sources is not built, and is not served. */
export const builtDashboardDir = join(import.meta.dirname, '../dashboard')
