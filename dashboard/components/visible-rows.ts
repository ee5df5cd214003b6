/** Rows that are drawn, and the heights of what stands for those before and after them. */
export interface VisibleRows {
  readonly first: number
  /** Not included. */
  readonly end: number
  readonly beforePx: number
  readonly afterPx: number
}

/** Drawn beyond the edges, so that scrolling shows no gap. */
const overscanRows = 12

/** Which of `count` rows of one height are to be drawn at a place of scrolling. */
export function visibleRows(
  count: number,
  rowPx: number,
  view: { readonly scrollTop: number; readonly heightPx: number },
): VisibleRows {
  const top = Math.max(0, Math.floor(view.scrollTop / rowPx) - overscanRows)
  const first = Math.min(top, count)
  const end = Math.min(count, Math.ceil((view.scrollTop + view.heightPx) / rowPx) + overscanRows)
  const last = Math.max(first, end)
  return { first, end: last, beforePx: first * rowPx, afterPx: (count - last) * rowPx }
}
