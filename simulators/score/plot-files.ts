import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Value } from '../../domain/profile.ts'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { messageOf, TidemarkError } from '../../lib/errors.ts'
import type { ApiClient, ApiProblem } from '../api-client.ts'
import { isGroup, type ScoredSpan } from './matching.ts'
import { type Plot, type PlotMoment, type PlotPanel, type PlotPoint, plotSvg } from './plot.ts'
import type { TruthScore } from './score.ts'
import { duration } from './score-table.ts'

/** What a kind of fault moves most: the signal to look at whatever the rule looked at. */
const signals: Readonly<Record<string, string>> = {
  bearing_wear: 'velocity_rms_mm_s',
  imbalance: 'velocity_rms_mm_s',
  filter_clog: 'filter_pressure_pa',
  valve_stuck: 'valve_position_pct',
  refrigerant_leak: 'temperature_c',
  door_left_open: 'door_open',
  water_leak: 'flow_l_h',
  pv_string_loss: 'active_power_w',
  phase_loss: 'voltage_l1_v',
  meter_tamper: 'active_power_w',
  standby_load: 'active_power_w',
  window_left_open: 'temperature_c',
  tachycardia_at_rest: 'heart_rate_bpm',
  desaturation: 'spo2_pct',
  no_motion: 'alert',
}

const pointsMax = 1_000
/** Windows that people can name, in ms: a picture has at most `pointsMax` of them. */
const windowsMs = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400].map(
  (seconds) => seconds * 1_000,
)
/** Before the onset and after the end, as a share of the fault's length. */
const margin = 0.25

/**
 * Writes one SVG into `dir` for each process fault that something should have told of, and returns their paths. Rejects with
 * TIDEMARK_PLOTS_UNWRITABLE (exit code 2), TIDEMARK_API_UNREACHABLE (3) or TIDEMARK_API_ERROR.
 */
export async function writePlots(
  api: ApiClient,
  scored: readonly TruthScore[],
  span: ScoredSpan,
  dir: string,
): Promise<string[]> {
  const files = new Set<string>()
  for (const one of scored) {
    const { truth } = one
    if (truth.class !== 'process' || truth.expect.length === 0 || isGroup(truth.device)) continue
    const svg = plotSvg(await plotOf(api, one, span))
    const file = join(
      dir,
      unusedName(truth.id, (name) => files.has(join(dir, name))),
    )
    try {
      mkdirSync(dir, { recursive: true })
      writeFileSync(file, svg)
    } catch (cause) {
      throw new TidemarkError('TIDEMARK_PLOTS_UNWRITABLE', messageOf(cause), { cause, exitCode: 2 })
    }
    files.add(file)
  }
  return [...files]
}

/** A name of a file made of an id that may hold anything. */
function unusedName(id: string, isUsed: (name: string) => boolean): string {
  const stem = id.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 100)
  let name = `${stem}.svg`
  for (let i = 2; isUsed(name); i++) name = `${stem}-${i}.svg`
  return name
}

async function plotOf(api: ApiClient, { truth, detection }: TruthScore, span: ScoredSpan): Promise<Plot> {
  const marginMs = margin * Math.max(truth.end - truth.onset, 60_000)
  const fromMs = Math.floor(Math.max(span.startMs, truth.onset - marginMs))
  // Nothing is sent after the end of the run, but an event may come in the grace.
  const shownTo = Math.max(Math.min(span.endMs, truth.end + marginMs), detection?.timeMs ?? truth.end)
  const toMs = Math.ceil(Math.max(shownTo, fromMs + 1_000))
  const seen = Object.entries(detection?.evidence[0] ?? {}).find(
    ([name, value]) => name !== 'ts' && typeof value !== 'string',
  )?.[0]
  const metrics = new Set([signals[truth.kind], seen].filter((name) => name !== undefined))
  const panels: PlotPanel[] = []
  for (const metric of metrics) {
    const { points, isState } = await signalOf(api, truth.device, metric, fromMs, toMs)
    const limits = metric === seen ? limitsWithin(points, detection?.value, detection?.threshold) : []
    panels.push({ label: withUnit(metric), points, isState, limits })
  }
  return {
    title: `${truth.id} on ${truth.device}`,
    subtitle: told(truth, detection),
    fromMs,
    toMs,
    panels,
    moments: momentsOf({ truth, ...(detection === undefined ? {} : { detection }) }),
  }
}

function told(truth: TruthScore['truth'], detection: TruthScore['detection']): string {
  if (detection === undefined) return `${truth.kind}: not detected`
  const after = duration((detection.timeMs - truth.detectable_from) / 1_000)
  const leadS = truth.failure === null ? undefined : (truth.failure - detection.timeMs) / 1_000
  const lead =
    leadS === undefined ? '' : `, ${duration(Math.abs(leadS))} ${leadS >= 0 ? 'before' : 'after'} the failure`
  return `${truth.kind}: ${detection.rule} told of it ${after} after it could be told of${lead}`
}

function momentsOf({ truth, detection }: TruthScore): PlotMoment[] {
  const moments: [PlotMoment['name'], number | null | undefined][] = [
    ['onset', truth.onset],
    ['detectable', truth.detectable_from],
    ['detected', detection?.timeMs],
    ['warn by', truth.warn_by],
    ['failure', truth.failure],
    ['end', truth.end],
  ]
  return moments.flatMap(([name, timeMs]) =>
    timeMs === null || timeMs === undefined ? [] : [{ name, timeMs }],
  )
}

/**
 * Limits that the signal itself is held against: where the value that broke it is one that the signal takes. A rate's limit is
 * not one of its metric.
 */
function limitsWithin(
  points: readonly PlotPoint[],
  value: Value | undefined,
  threshold: Value | readonly number[] | undefined,
): number[] {
  const limits = typeof threshold === 'number' ? [threshold] : Array.isArray(threshold) ? [...threshold] : []
  const isOfSignal =
    typeof value === 'number' &&
    points.some(([, height]) => height >= value) &&
    points.some(([, height]) => height <= value)
  return isOfSignal ? limits : []
}

function withUnit(metric: string): string {
  const profile = shippedProfiles.find(({ metrics }) => Object.hasOwn(metrics, metric))
  const unit = profile?.metrics[metric]?.unit ?? ''
  return unit === '' ? metric : `${metric} (${unit})`
}

interface StoredPage {
  readonly items: readonly { readonly time: string; readonly values: Readonly<Record<string, Value>> }[]
}

/** Means of windows; of what has none, as switches have, the last value of each, true as 1. */
async function signalOf(api: ApiClient, device: string, metric: string, fromMs: number, toMs: number) {
  const everyMs = windowsMs.find((ms) => (toMs - fromMs) / ms < pointsMax) ?? Math.ceil((toMs - fromMs) / 900)
  for (const fn of ['mean', 'last']) {
    const path = `/readings?device=${encodeURIComponent(device)}&metric=${metric}&from=${fromMs}&to=${toMs}&every=${everyMs}ms&fn=${fn}&limit=${pointsMax}`
    const points = (await page(api, path)).items.flatMap(({ time, values }): PlotPoint[] => {
      const value = values[metric]
      // A window stands for its middle.
      const timeMs = Math.min(toMs, Math.max(fromMs, Date.parse(time) + everyMs / 2))
      return value === undefined || typeof value === 'string' ? [] : [[timeMs, Number(value)]]
    })
    if (points.length > 0) return { points, isState: fn === 'last' }
  }
  return { points: [], isState: false }
}

/** Of a device that is gone there are none. */
async function page(api: ApiClient, path: string): Promise<StoredPage> {
  try {
    return await api.request<StoredPage>('GET', path)
  } catch (error) {
    const problem = (error as { cause?: ApiProblem }).cause
    if (problem?.status === 404) return { items: [] }
    throw error
  }
}
