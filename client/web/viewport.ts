/** Keeps the page exactly as tall as what can be seen: on iOS a keyboard covers the page instead of shrinking it. */
export function followViewport(): void {
  const { visualViewport } = globalThis;
  if (!visualViewport) return;
  const fit = () => {
    // While zoomed in, the layout must stay as it is.
    if (visualViewport.scale > 1.01) return;
    const height = `${Math.round(visualViewport.height)}px`;
    document.documentElement.style.setProperty("--app-height", height);
    if (scrollY !== 0) scrollTo(0, 0);
  };
  visualViewport.addEventListener("resize", fit);
}

/** How far a finger moves to the end side before it counts, and how much of that may be up or down. Pixels. */
const SWIPE = 70;
const SLANT = 40;
/** The browser has its own gesture at the edge. */
const EDGE = 32;

/** A swipe in reading direction over `area` goes back. */
export function onSwipeBack(area: HTMLElement, back: () => void): void {
  let from: { readonly x: number; readonly y: number } | null = null;
  area.addEventListener("touchstart", ({ touches }) => {
    const [touch] = touches;
    const single = touches.length === 1 && touch !== undefined && touch.clientX > EDGE;
    from = single ? { x: touch.clientX, y: touch.clientY } : null;
  }, { passive: true });
  area.addEventListener("touchend", ({ changedTouches }) => {
    const [touch] = changedTouches;
    if (from === null || touch === undefined || getSelection()?.isCollapsed === false) return;
    const isBack = touch.clientX - from.x > SWIPE && Math.abs(touch.clientY - from.y) < SLANT;
    from = null;
    if (isBack) back();
  }, { passive: true });
}
