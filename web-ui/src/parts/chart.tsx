import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { theme, type Theme } from "../theme.ts";
import { useStore } from "../store.ts";

interface Series {
  /** Seconds since the epoch. */
  readonly at: readonly number[];
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly label: string;
  readonly series: Series;
  readonly format: (value: number) => string;
  readonly window_s: number;
}

const HEIGHT = 148;
/** Half of a time with seconds: nearer to an edge it would be cut, or stand on the other axis. */
const TIME_HALF_PX = 26;
/** Less than this, and the line trembles. */
const WINDOW_LEAST_S = 60;

/** A line over the last minutes. Drawn on a canvas: `label` and the panel's figure say it to those who do not see it. */
export default function Chart({ label, series, format, window_s }: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = useRef(series);
  data.current = series;
  const chosen = useStore(theme);
  const dark = useDark(chosen);
  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const made = new uPlot(optionsOf(element, format, window_s), dataOf(data.current), element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [format, window_s, dark]);
  useEffect(() => plot.current?.setData(dataOf(series)), [series]);
  return <div ref={holder} role="img" aria-label={label} style={{ height: HEIGHT }} />;
}

const dataOf = ({ at, values }: Series): uPlot.AlignedData => [[...at], [...values]];

function optionsOf(element: HTMLElement, format: (value: number) => string, window_s: number): uPlot.Options {
  const style = getComputedStyle(element);
  // A canvas knows no `light-dark()`: the browser resolves it for us where it stands.
  const colour = (name: string): string => {
    element.style.color = `var(--${name})`;
    const resolved = getComputedStyle(element).color;
    element.style.color = "";
    return resolved;
  };
  const axis = {
    stroke: colour("muted"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    padding: [8, 6, 0, 0],
    scales: {
      x: { range: ({ data: [at] }) => shownOf(at, window_s) },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.15 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 80,
        size: 24,
        values: (plot, ticks) => {
          const words = timeOf(ticks);
          const middle = plot.over.clientWidth / 2;
          const hasRoom = (at: number) => Math.abs(plot.valToPos(at, "x") - middle) < middle - TIME_HALF_PX;
          return ticks.map((at) => (hasRoom(at) ? words(at) : ""));
        },
      },
      { ...axis, size: 54, space: 34, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      { stroke: colour("accent"), width: 2, fill: colour("accent-soft"), spanGaps: true, points: { show: false } },
    ],
  };
}

/** With seconds where two ticks fall into one minute. */
const timeOf = (ticks: readonly number[]): ((at: number) => string) => {
  const close = (ticks[1] ?? Infinity) - (ticks[0] ?? 0) < 60;
  return (at) => new Date(at * 1_000).toTimeString().slice(0, close ? 8 : 5);
};

/** From the first look on, so that a fresh page shows a line and not a wall. */
function shownOf(at: ArrayLike<number>, window_s: number): [from: number, to: number] {
  const last = at[at.length - 1] ?? Date.now() / 1_000;
  return [Math.max(last - window_s, Math.min(at[0] ?? last, last - WINDOW_LEAST_S)), last];
}

/** Drawn colours do not follow the page by themselves. */
const useDark = (chosen: Theme): boolean =>
  chosen === "dark" || (chosen === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
