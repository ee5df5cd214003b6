import { setFlagsFromString } from 'node:v8'

/**
 * How much larger than what lives in it a heap may become before it is collected whole, in per cent. V8's own answer, for a
 * process that may take gigabytes, is up to 300: a platform with 5,000 connections then keeps more garbage than it has data.
 */
const growthPercent = 40

/**
 * Has V8 collect the heaps of this process, those of its threads too, before they grow by more than `growthPercent`. A limit
 * on their size would do the same and end a thread that needs more. Call before there is anything in them.
 */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`)
}
