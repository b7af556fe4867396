// Grafana's heat map is a core plugin that is on no registry; this is a plain one, on a canvas.
import { type DataFrame, getValueFormat, formattedValueToString, type GrafanaTheme2 } from '@grafana/data';
import { useEffect, useRef } from 'react';

type Props = { frames: DataFrame[]; width: number; height: number; theme: GrafanaTheme2; unit: string; since: number; until: number };
const LEFT = 64, BOTTOM = 24, TOP = 6, RIGHT = 12;

export function Heatmap({ frames, width, height, theme, unit, since, until }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => paint(canvas.current!, { frames, width, height, theme, unit, since, until }));
  return <canvas ref={canvas} width={width * 2} height={height * 2} style={{ width, height }} />;
}

function bound(frame: DataFrame): number {
  const name = frame.fields[1].config.displayNameFromDS ?? '';
  return name === '+Inf' ? Infinity : Number(name);
}

function paint(canvas: HTMLCanvasElement, { frames, width, height, theme, unit, since, until }: Props) {
  const pen = canvas.getContext('2d')!;
  pen.setTransform(2, 0, 0, 2, 0, 0);
  pen.clearRect(0, 0, width, height);
  const rows = [...frames].sort((a, b) => bound(a) - bound(b));
  const cells = rows.map((row, place) => {
    const below = new Map<number, number>();
    if (place) rows[place - 1].fields[0].values.forEach((time: number, i: number) => below.set(time, rows[place - 1].fields[1].values[i] ?? 0));
    return row.fields[0].values.map((time: number, i: number) => ({ time, n: Math.max(0, (row.fields[1].values[i] ?? 0) - (below.get(time) ?? 0)) }));
  });
  const most = Math.max(1e-9, ...cells.flat().map((cell) => cell.n));
  const times = [...new Set(cells.flat().map((cell) => cell.time))].sort((a, b) => a - b);
  const step = Math.min(...times.slice(1).map((time, i) => time - times[i]), (until - since) * 1000);
  const across = (time: number) => LEFT + ((time - since * 1000) / ((until - since) * 1000)) * (width - LEFT - RIGHT);
  const tall = (height - TOP - BOTTOM) / rows.length;
  pen.font = `12px ${theme.typography.fontFamily}`;
  pen.textBaseline = 'middle';
  const format = getValueFormat(unit);
  cells.forEach((line, place) => {
    const top = height - BOTTOM - (place + 1) * tall;
    line.filter((cell) => cell.n > 1e-9).forEach((cell) => {
      pen.fillStyle = `rgba(255, 152, 48, ${0.12 + 0.88 * Math.sqrt(cell.n / most)})`;
      pen.fillRect(across(cell.time - step) + 0.5, top + 0.5, Math.max(1, across(step + since * 1000) - LEFT - 1), tall - 1);
    });
    pen.fillStyle = theme.colors.text.secondary;
    pen.textAlign = 'right';
    const to = bound(rows[place]);
    pen.fillText(to === Infinity ? 'above' : `≤ ${formattedValueToString(format(to))}`, LEFT - 6, top + tall / 2);
  });
  pen.textAlign = 'center';
  const ticks = 6;
  for (let i = 0; i <= ticks; i++) {
    const at = since + ((until - since) * i) / ticks;
    pen.fillText(new Date(at * 1000).toISOString().slice(until - since > 172800 ? 5 : 11, until - since > 172800 ? 10 : 16), Math.min(width - 24, across(at * 1000)), height - BOTTOM / 2);
  }
}
