/** Which rows of a long list stand in the document: those in view, and a few more. */

export interface Viewport {
  readonly scrollTop: number;
  readonly height: number;
  readonly rowHeight: number;
  /** How many rows the whole list has. */
  readonly count: number;
}

/** Rows beyond each edge, so that a short scroll shows no blank. */
const OVERSCAN_ROWS = 8;
/** So near to the end, in rows, counts as there. */
const END_ROWS = 1.5;

/** From `first` up to, not including, `end`. */
export function visibleRows(viewport: Viewport): { readonly first: number; readonly end: number } {
  const { scrollTop, height, rowHeight, count } = viewport;
  const top = Math.max(0, Math.floor(scrollTop / rowHeight) - OVERSCAN_ROWS);
  const bottom = Math.ceil((scrollTop + height) / rowHeight) + OVERSCAN_ROWS;
  const end = Math.max(0, Math.min(count, bottom));
  return { first: Math.min(top, end), end };
}

export function isAtEnd({ scrollTop, height, rowHeight, count }: Viewport): boolean {
  return scrollTop + height >= (count - END_ROWS) * rowHeight;
}

/** The least scroll that brings a row into full view. */
export function scrollToShow(row: number, { scrollTop, height, rowHeight }: Viewport): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + rowHeight - height);
}
