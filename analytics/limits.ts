/** Length of a window of event time. */
export const minuteMs = 60_000

/** Whole minutes behind the newest one for which a reading is still counted; what is older is late. */
export const latenessMinutes = 2
/** Minutes ahead of the newest one that may be open: devices' clocks are up to 5 minutes ahead (domain/reading-batch.ts, `future`). */
export const aheadMinutes = 5
/** Minutes of a type that may be open at once. */
export const openMinutesMax = latenessMinutes + 1 + aheadMinutes

/** Closed minutes that the log keeps: a day. A reading that is received later than that is of no live interest. */
export const minutesKept = 1_440

export const typesMax = 32
/** Numbers and booleans of one type; each takes ten bytes for each device and open minute. */
export const metricsMax = 32
/** Labels by which a type is told apart: the first that come. */
export const labelsMax = 4
/** Values of all labels of a type together. */
export const labelValuesMax = 200
/** Of all types together, within the open minutes. */
export const devicesMax = 20_000
/** Of the highest, and of the lowest. */
export const topMax = 100
