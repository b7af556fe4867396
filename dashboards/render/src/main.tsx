// Draws one board as Grafana would: its own components, its own field rules, its own theme.
// What Python put into window.PAYLOAD: the board's JSON, and for each panel the frames its queries returned.
import {
  applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, type FieldConfigSource, FieldType, getDisplayValueAlignmentFactors,
  getFieldDisplayValues, type DataFrame, Registry, renderMarkdown, standardTransformers, standardTransformersRegistry,
  ThemeContext, toDataFrame, transformDataFrame, VizOrientation,
} from '@grafana/data';
import { BarGauge, BigValue, BigValueTextMode, GlobalStyles, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';
import { Heatmap } from './Heatmap';
import { type Board, CELL, type Frame, GAP, type Panel, type Payload, place } from './payload';

const payload = (window as unknown as { PAYLOAD: Payload }).PAYLOAD;
const theme = createTheme({ colors: { mode: 'dark' } });
const range = {
  from: dateTime(payload.since * 1000), to: dateTime(payload.until * 1000),
  raw: { from: dateTime(payload.since * 1000), to: dateTime(payload.until * 1000) },
};

// Grafana's plugins register what a field may be told; the same by hand, each taken as it is.
const PROPERTIES = [
  'unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'color', 'thresholds', 'mappings', 'links',
  ...['drawStyle', 'lineWidth', 'fillOpacity', 'axisPlacement', 'axisSoftMin', 'axisSoftMax', 'thresholdsStyle',
    'showPoints', 'pointSize', 'spanNulls', 'stacking', 'gradientMode', 'lineInterpolation', 'axisBorderShow', 'hideFrom',
    'cellOptions', 'align', 'inspect', 'minWidth'].map((name) => `custom.${name}`),
];
const registry = new Registry<any>(() => PROPERTIES.map((id) => ({
  id, name: id, isCustom: id.startsWith('custom.'), path: id.replace('custom.', ''),
  process: (value: unknown) => value, shouldApply: () => true, settings: {},
})));
standardTransformersRegistry.setInit(() => [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer]
  .map((transformation) => ({ id: transformation.id, name: transformation.name, transformation: () => Promise.resolve(transformation), editor: (() => null) as never, imageDark: '', imageLight: '' })));

function dataFrame(frame: Frame): DataFrame {
  const fields: any[] = frame.table
    ? [
        { name: 'Time', type: FieldType.time, values: frame.rows!.map(() => payload.until * 1000), config: {} },
        ...frame.labels!.map((label) => ({ name: label, type: FieldType.string, values: frame.rows!.map((row) => row.labels[label] ?? ''), config: {} })),
        { name: `Value #${frame.ref}`, type: FieldType.number, values: frame.rows!.map((row) => row.value), config: {} },
      ]
    : [
        { name: 'Time', type: FieldType.time, values: frame.times, config: {} },
        { name: 'Value', type: FieldType.number, values: frame.values, config: { displayNameFromDS: frame.name } },
      ];
  return toDataFrame({ refId: frame.ref, name: frame.name, fields });
}

async function frames(panel: Panel): Promise<DataFrame[]> {
  const raw = (payload.frames[panel.id] ?? []).map(dataFrame);
  const changed = panel.transformations ? await lastValueFrom(transformDataFrame(panel.transformations as never, raw)) : raw;
  const told = applyFieldOverrides({
    data: changed, fieldConfig: panel.fieldConfig as FieldConfigSource, fieldConfigRegistry: registry, theme,
    replaceVariables: (text: string) => text, timeZone: 'utc',
  } as never);
  cacheFieldDisplayNames(told);
  return told;
}

type Sized = { panel: Panel; data: DataFrame[]; width: number; height: number };

function Numbers({ panel, data, width, height }: Sized) {
  const options = panel.options as any;
  const bars = panel.type === 'bargauge';
  const values = () => getFieldDisplayValues({
    fieldConfig: panel.fieldConfig as never, reduceOptions: options.reduceOptions, replaceVariables: (text: string) => text,
    theme, data, sparkline: false, timeZone: 'utc',
  } as never);
  const render = ({ value, width, height, alignmentFactors, orientation, count }: any) => bars ? (
    <BarGauge value={value.display} width={width} height={height} orientation={orientation} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)}
      theme={theme} itemSpacing={8} displayMode={options.displayMode} showUnfilled={options.showUnfilled} alignmentFactors={alignmentFactors}
      valueDisplayMode={options.valueMode} namePlacement={options.namePlacement} text={options.text} />
  ) : (
    <BigValue value={count > 1 || options.textMode !== 'value' ? value.display : { ...value.display, title: '' }} width={width} height={height}
      colorMode={options.colorMode} graphMode={options.graphMode} justifyMode={options.justifyMode}
      textMode={count > 1 && options.textMode === 'value' ? BigValueTextMode.Value : options.textMode} alignmentFactors={alignmentFactors} theme={theme} text={options.text} />
  );
  return (
    <VizRepeater getValues={values} getAlignmentFactors={getDisplayValueAlignmentFactors as never} renderValue={render}
      width={width} height={height} source={data} renderCounter={0} orientation={bars ? VizOrientation.Horizontal : VizOrientation.Auto} autoGrid={!bars}
      minVizHeight={bars ? options.minVizHeight : undefined} maxVizHeight={bars ? options.maxVizHeight : undefined} itemSpacing={bars ? 8 : 3} />
  );
}

function Drawing(sized: Sized) {
  const { panel, data, width, height } = sized;
  if (panel.type === 'text') {
    return <div style={{ padding: 8 }} className="markdown-html" dangerouslySetInnerHTML={{ __html: renderMarkdown((panel.options as any).content) }} />;
  }
  if (panel.type === 'traces') return <Nothing words="Shows one trace out of the trace store; this drawing has none." />;
  if (data.every((frame) => frame.length === 0)) return <Nothing words="No data" />;
  if (panel.type === 'timeseries') {
    return <TimeSeries frames={data} width={width} height={height} timeRange={range} timeZone="utc" legend={(panel.options as any).legend} options={panel.options as any} />;
  }
  if (panel.type === 'table') return <TableNG data={data[0]} width={width} height={height} fieldConfig={panel.fieldConfig as never} cellHeight={'sm' as never} columnMinWidth={90} enableVirtualization={false} />;
  if (panel.type === 'heatmap') return <Heatmap frames={data} width={width} height={height} theme={theme} unit={(panel.options as any).yAxis.unit} since={payload.since} until={payload.until} />;
  return <Numbers {...sized} />;
}

function Nothing({ words }: { words: string }) {
  return <div style={{ display: 'flex', height: '100%', alignItems: 'center', justifyContent: 'center', color: theme.colors.text.secondary, fontSize: 18 }}>{words}</div>;
}

function Framed({ panel, data }: { panel: Panel; data: DataFrame[] }) {
  const box = place(panel.gridPos);
  if (panel.type === 'row') return <div style={{ position: 'absolute', ...box, fontSize: 16, fontWeight: 500, lineHeight: `${box.height}px` }}>⌄ {panel.title}</div>;
  return (
    <div style={{ position: 'absolute', ...box }}>
      <PanelChrome width={box.width} height={box.height} title={panel.title} description={panel.description}>
        {(width, height) => <Drawing panel={panel} data={data} width={width} height={height} />}
      </PanelChrome>
    </div>
  );
}

function Head({ board }: { board: Board }) {
  const chip = { background: theme.colors.background.secondary, border: `1px solid ${theme.colors.border.weak}`, borderRadius: 2, padding: '4px 8px', marginRight: 8, display: 'inline-block', marginBottom: 6 };
  return (
    <div style={{ padding: `${GAP}px ${GAP}px 0`, height: payload.head, overflow: 'hidden' }}>
      <div style={{ fontSize: 20, fontWeight: 500 }}>{board.title}</div>
      <div style={{ color: theme.colors.text.secondary, margin: '2px 0 8px' }}>{board.description}</div>
      {payload.chosen.map(([label, value]) => <span key={label} style={chip}><span style={{ color: theme.colors.text.secondary }}>{label}</span> {value}</span>)}
    </div>
  );
}

async function draw() {
  const { board } = payload;
  const drawn = await Promise.all(board.panels.map(async (panel) => ({ panel, data: panel.type === 'row' ? [] : await frames(panel) })));
  const rows = Math.max(...board.panels.map((panel) => panel.gridPos.y + panel.gridPos.h));
  document.body.style.margin = '0';
  createRoot(document.getElementById('root')!).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ background: theme.colors.background.canvas, color: theme.colors.text.primary, position: 'relative', width: payload.width }}>
        <Head board={board} />
        <div style={{ position: 'relative', height: rows * CELL + GAP }}>{drawn.map((one) => <Framed key={one.panel.id} {...one} />)}</div>
      </div>
    </ThemeContext.Provider>,
  );
}

void draw();
