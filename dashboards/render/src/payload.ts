// What draw.py hands over, and where Grafana puts a panel.
export type GridPos = { x: number; y: number; w: number; h: number };
export type Panel = {
  id: number; type: string; title: string; description?: string; gridPos: GridPos;
  options: unknown; fieldConfig: unknown; transformations?: unknown[];
};
export type Board = { title: string; description: string; panels: Panel[] };
export type Frame = {
  ref: string; name: string; times?: number[]; values?: Array<number | null>;
  table?: boolean; labels?: string[]; rows?: Array<{ labels: Record<string, string>; value: number | null }>;
};
export type Payload = {
  board: Board; frames: Record<string, Frame[]>; since: number; until: number; width: number; head: number;
  chosen: Array<[string, string]>;
};

export const GAP = 8;
export const CELL = 30 + GAP;
const COLUMNS = 24;

export function place(at: GridPos) {
  const { width } = (window as unknown as { PAYLOAD: Payload }).PAYLOAD;
  const column = (width - GAP) / COLUMNS;
  return { left: GAP + at.x * column, top: at.y * CELL + GAP, width: at.w * column - GAP, height: at.h * CELL - GAP };
}
